//! The log as a WebSocket: one frame of text for each event, which is what a stream's `data` is. What the client says is not read, but that it
//! is there.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts as _;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use bytes::Bytes;
use futures::SinkExt as _;
use http::header::{ORIGIN, UPGRADE};
use http::request::Parts;
use tracing::Instrument as _;
use wharf_api::ops::{self, Operation};
use wharf_api::{ApiError, ErrorCode};
use wharf_core::event::feed::Told;

use super::tail::{News, Tail};
use crate::http::auth::cookie;
use crate::http::envelope::{Reply, invalid};
use crate::http::{Call, Http};

/// The most that a client may say at once.
const SAID_BYTES: usize = 4 * 1024;
const HOW: &str =
    "a WebSocket is asked for by GET over HTTP/1.1, with Connection: Upgrade, Sec-WebSocket-Version: 13 and a Sec-WebSocket-Key";
/// How long a client may take over its half of the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// What a client offers that wants a WebSocket of the one operation that has one.
pub(in crate::http) async fn offered(operation: &Operation, parts: &mut Parts) -> Result<Option<WebSocketUpgrade>, ApiError> {
    let wants = parts.headers.get(UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
    if !wants || operation.id != ops::list_events.id {
        return Ok(None);
    }
    let offer = WebSocketUpgrade::from_request_parts(parts, &()).await.map_err(|_| invalid(HOW).field("Upgrade"))?;
    // What is kept for reading is kept as long as the connection.
    Ok(Some(offer.read_buffer_size(SAID_BYTES).max_message_size(SAID_BYTES).max_frame_size(SAID_BYTES)))
}

/// Refuses the page of an origin that may not call us. A browser asks nobody before it opens a WebSocket, and shows the page what comes.
pub(super) fn check_origin(call: &Call) -> Result<(), ApiError> {
    let allowed = &call.http.limits.allowed_origins;
    if call.headers.get(ORIGIN).is_some_and(|origin| allowed.allow(origin)) {
        return Ok(());
    }
    cookie::same_site(&call.http, &call.headers, call.way.peer).map_err(|_| {
        let refusal = ApiError::new(ErrorCode::InsufficientPermissions).field("Origin");
        refusal.reason("pages of this origin may not call here: the operator names those that may in server.allowed_origins")
    })
}

/// Takes what was offered. The stop of the server waits for its end.
pub(super) fn of(offer: WebSocketUpgrade, http: &Http, tail: Tail) -> Reply {
    let (running, span) = (http.tasks.token(), tracing::Span::current());
    let then = |socket| {
        async move {
            talk(socket, tail).await;
            drop(running);
        }
        .instrument(span)
    };
    Reply::switching(&offer.on_upgrade(then))
}

async fn talk(mut socket: WebSocket, mut tail: Tail) {
    let end = follow(&mut socket, &mut tail).await;
    // Its place among the account's requests is free.
    drop(tail);
    let farewell = async {
        if let Some(code) = end {
            let frame = CloseFrame { code: closing(code), reason: code.name().into() };
            if socket.send(Message::Close(Some(frame))).await.is_err() {
                return;
            }
        }
        while let Some(Ok(_)) = socket.recv().await {}
    };
    // Whoever says no farewell is cut off.
    let _ = tokio::time::timeout(FAREWELL, farewell).await;
}

/// Tells what comes until it ends; no code where the client has left.
async fn follow(socket: &mut WebSocket, tail: &mut Tail) -> Option<ErrorCode> {
    // Whether the client was asked whether it is there, and has said nothing since.
    let mut asked = false;
    loop {
        let news = {
            let mut next = pin!(tail.next());
            loop {
                tokio::select! {
                    news = &mut next => break news,
                    said = socket.recv() => match said {
                        None | Some(Err(_) | Ok(Message::Close(_))) => return None,
                        Some(Ok(_)) => asked = false,
                    },
                }
            }
        };
        let told = match news {
            News::Events(events) => tell(socket, &events).await,
            News::Silence if asked => return None,
            News::Silence => {
                asked = true;
                socket.send(Message::Ping(Bytes::new())).await
            }
            News::End(code) => return code,
        };
        if told.is_err() {
            return None;
        }
    }
}

/// A client that reads slowly is waited for, and nothing more is read from the log meanwhile; one that takes nothing for too long is cut off as
/// whoever reads no answer.
async fn tell(socket: &mut WebSocket, events: &[Arc<Told>]) -> Result<(), axum::Error> {
    for told in events {
        socket.feed(Message::Text(told.body.as_str().into())).await?;
    }
    socket.flush().await
}

/// Why it ends, by the numbers of the protocol; the code of the catalogue stands beside it.
fn closing(code: ErrorCode) -> u16 {
    match code {
        ErrorCode::ServiceUnavailable => close_code::AWAY,
        ErrorCode::InternalServerError => close_code::ERROR,
        _ => close_code::POLICY,
    }
}
