//! A person's hands on the protocol's own port, for test suites that know this port alone: the scan of a QR code, by the account whose
//! name the device brings.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::middleware::from_fn;
use axum::routing::post;
use serde::Deserialize;

use super::door::Caller;
use crate::control::answer::{self, Answer};
use crate::guests;
use crate::network::Net;
use crate::pairing;
use crate::phone::companion::Hosting;

#[derive(Deserialize)]
struct Scanner {
    phone: Option<String>,
}

pub(crate) async fn serve(net: Arc<Net>, caller: Caller) {
    let stop = net.stop.clone();
    let app =
        Router::new().route("/admin/mock-phone/scan-qr", post(scan)).fallback(answer::no_route).layer(from_fn(guests::own)).with_state(net);
    if let Err(error) = axum::serve(caller, app).with_graceful_shutdown(stop.cancelled_owned()).await {
        tracing::error!(%error, "the door on the protocol's port ended");
    }
}

/// Without a number the account is the one of the name that the device brings, made if it is missing.
async fn scan(State(net): State<Arc<Net>>, Query(scanner): Query<Scanner>, text: String) -> Answer {
    let number = match &scanner.phone {
        Some(phone) => answer::number(phone)?,
        None => net.owner_named(pairing::name_shown(&net, &text).as_deref()).number,
    };
    answer::ok(pairing::scan(&net, &text, number, Hosting::Ordinary).await?)
}
