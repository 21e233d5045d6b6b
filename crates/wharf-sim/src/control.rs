//! The control API: a person's hands and a tester's eyes, over HTTP on loopback. Owns the shape of its answers.

pub(crate) mod answer;
mod calls;
mod faults;
mod groups;
mod hooks;
mod media;
mod oddities;
mod passkeys;
mod phones;
mod profiles;
mod records;
mod restrictions;
mod scan;
mod shared;
mod spellings;
mod strange;
mod version;

use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, delete, get, post, put};
use tokio::net::TcpListener;

use crate::guests;
use crate::network::Net;

pub(crate) async fn serve(net: Arc<Net>, listener: TcpListener) {
    let stop = net.stop.clone();
    let app = routes(net);
    if let Err(error) = axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await {
        tracing::error!(%error, "the control API ended");
    }
}

fn routes(net: Arc<Net>) -> Router {
    Router::new()
        .route("/control/scan", post(scan::scan))
        .route("/control/pair-code", post(scan::pair_code))
        .route("/control/phones", get(phones::list))
        .route("/control/phones/{number}", get(phones::show))
        .route("/control/phones/{number}/messages", get(phones::messages))
        .route("/control/phones/{number}/send", post(phones::send))
        .route("/control/phones/{number}/read", post(phones::read))
        .route("/control/phones/{number}/react", post(phones::react))
        .route("/control/phones/{number}/call", post(calls::dial))
        .route("/control/phones/{number}/calls", get(calls::list))
        .route("/control/phones/{number}/hang-up", post(calls::hang_up))
        .route("/control/phones/{number}/take-call", post(calls::take))
        .route("/control/phones/{number}/logout", post(phones::logout))
        .route("/control/phones/{number}/sleep", post(phones::sleep))
        .route("/control/phones/{number}/wake", post(phones::wake))
        .route("/control/phones/{number}/forget-sender-keys", post(phones::forget_sender_keys))
        .route("/control/phones/{number}/strange", post(strange::say))
        .route("/control/phones/{number}/recover", post(oddities::recover))
        .route("/control/phones/{number}/resend", post(oddities::resend))
        .route("/control/phones/{number}/stanza", post(oddities::stanza))
        .route("/control/phones/{number}/passkey", get(passkeys::show).put(passkeys::put).delete(passkeys::remove))
        .route("/control/phones/{number}/passkey/sign", post(passkeys::sign))
        .route("/control/phones/{number}/restriction", get(restrictions::show).put(restrictions::lock).delete(restrictions::unlock))
        .route("/control/phones/{number}/guard", post(restrictions::guard))
        .route("/control/phones/{number}/history", post(restrictions::history))
        .route("/control/phones/{number}/notices", get(phones::notices))
        .route("/control/phones/{number}/inbound-acks", get(records::inbound))
        .route("/control/groups", get(groups::list).post(groups::create))
        .route("/control/groups/{id}", get(groups::show))
        .route("/control/groups/{id}/participants", post(groups::participants))
        .route("/control/groups/join", post(groups::join))
        .route("/control/groups/{id}/settings", post(groups::settings))
        .route("/control/pictures/{id}", get(profiles::picture))
        .route("/control/phones/{number}/typing", get(profiles::typing).post(profiles::type_in))
        .route("/control/phones/{number}/presence", post(profiles::presence))
        .route("/control/phones/{number}/profile", get(profiles::show).post(profiles::change))
        .route("/control/phones/{number}/shared", post(shared::share))
        .route("/control/spellings/{number}", put(spellings::put))
        .route("/control/wire/{owner}", get(records::wire))
        .route("/control/stats", get(records::stats))
        .route("/control/version", get(version::show).put(version::change))
        .route("/control/version/elsewhere", get(version::elsewhere))
        .route("/control/faults", get(faults::list).post(faults::add).delete(faults::clear))
        .route("/control/faults/{id}", delete(faults::remove))
        .route("/control/hooks/ok", any(hooks::ok))
        .route("/control/hooks/slow", any(hooks::slow))
        .fallback(answer::no_route)
        .layer(from_fn(guests::own))
        .layer(from_fn(whole))
        .with_state(net)
}

/// What is read of a request at the most. A handler takes much less; but who is refused in the middle of writing reads no answer.
const BODY_BYTES: usize = 64 * 1024 * 1024;

async fn whole(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match to_bytes(body, BODY_BYTES).await {
        Ok(bytes) => next.run(Request::from_parts(parts, bytes.into())).await,
        Err(_) => answer::Failure::invalid("the body is too large, or broke off").into_response(),
    }
}
