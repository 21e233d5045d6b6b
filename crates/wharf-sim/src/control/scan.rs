//! Linking a device by hand.

use std::sync::Arc;

use axum::extract::{Query, State};
use serde::Deserialize;

use super::answer::{self, Answer};
use crate::cast::DEFAULT_OWNER;
use crate::network::Net;
use crate::pairing;
use crate::phone::companion::Hosting;

#[derive(Deserialize)]
pub(super) struct ScanQuery {
    phone: Option<String>,
    /// A business number that Meta's platform serves too.
    #[serde(default)]
    hosted: bool,
}

#[derive(Deserialize)]
struct TypedBody {
    phone: Option<String>,
    code: String,
}

pub(super) async fn scan(State(net): State<Arc<Net>>, Query(scanner): Query<ScanQuery>, text: String) -> Answer {
    let number = match &scanner.phone {
        Some(phone) => answer::number(phone)?,
        None => DEFAULT_OWNER,
    };
    answer::ok(pairing::scan(&net, &text, number, if scanner.hosted { Hosting::Hosted } else { Hosting::Ordinary }).await?)
}

pub(super) async fn pair_code(State(net): State<Arc<Net>>, text: String) -> Answer {
    let typed: TypedBody = answer::body(&text)?;
    let number = match &typed.phone {
        Some(phone) => answer::number(phone)?,
        None => DEFAULT_OWNER,
    };
    answer::ok(pairing::code::enter(&net, number, &typed.code).await?)
}
