//! Passkeys of accounts, and the browser in which their owners sign.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use serde_json::{Value, json};

use super::answer::{self, Answer, Failure};
use crate::account::Account;
use crate::account::passkey::{Ceremony, Conduct, Passkey};
use crate::network::Net;

/// Gives an account a passkey, or changes how its links go.
pub(super) async fn put(State(net): State<Arc<Net>>, Path(number): Path<String>, text: String) -> Answer {
    let conduct: Conduct = answer::body(&text)?;
    let account = net.owner(answer::number(&number)?);
    {
        let mut passkey = account.passkey();
        match passkey.as_mut() {
            Some(passkey) => passkey.conduct = conduct,
            None => *passkey = Some(Passkey::create(conduct).map_err(Failure::invalid)?),
        }
    }
    show_of(&account)
}

pub(super) async fn show(State(net): State<Arc<Net>>, Path(number): Path<String>) -> Answer {
    show_of(&*answer::account(&net, &number)?)
}

pub(super) async fn remove(State(net): State<Arc<Net>>, Path(number): Path<String>) -> Answer {
    let account = answer::account(&net, &number)?;
    let removed = account.passkey().take().is_some();
    answer::ok(json!({"removed": removed}))
}

/// The owner signs in a browser on WhatsApp's page.
pub(super) async fn sign(
    State(net): State<Arc<Net>>,
    Path(number): Path<String>,
    Query(ceremony): Query<Ceremony>,
    text: String,
) -> Answer {
    let options: Value = answer::body(&text)?;
    let account = answer::account(&net, &number)?;
    let mut passkey = account.passkey();
    let passkey = passkey.as_mut().ok_or_else(none)?;
    answer::ok(passkey.sign(&options, &ceremony).map_err(Failure::invalid)?)
}

fn none() -> Failure {
    Failure::missing("no_passkey", "this account has no passkey")
}

fn show_of(account: &Account) -> Answer {
    let passkey = account.passkey();
    let passkey = passkey.as_ref().ok_or_else(none)?;
    answer::ok(json!({
        "credentialId": passkey.credential_id(),
        "asked": passkey.asked,
        "code": passkey.shown,
        "conduct": passkey.conduct,
    }))
}
