//! `GET /v1/messages/{messageId}`: at once, or when the message has come so far.

use std::time::Duration;

use tokio::time::Instant;
use wharf_api::limits;
use wharf_api::types::message::{Message, MessageStatus};
use wharf_core::message;

use crate::http::envelope::{Failure, Reply};
use crate::http::{Answer, Call};

/// How long it is waited for the bell before a look: other nodes ring another one.
const LOOK: Duration = Duration::from_secs(1);

pub(in crate::http) async fn get_message(call: Call) -> Answer {
    let words = [MessageStatus::Sent, MessageStatus::Delivered, MessageStatus::Read, MessageStatus::Played];
    let until =
        call.query.word("until", |word| words.into_iter().find(|status| status.as_str() == word), &words.map(MessageStatus::as_str))?;
    let wait = call.query.number("wait", 0, limits::LONG_POLL_MAX_SECS)?.map(Duration::from_secs);
    let message = match wait {
        // Where nobody says until when, it is until WhatsApp has it.
        Some(wait) => call.while_key_lasts(reached(&call, until.unwrap_or(MessageStatus::Sent), wait)).await??,
        None => shown(&call).await?,
    };
    Reply::ok(message)
}

async fn shown(call: &Call) -> Result<Message, Failure> {
    Ok(message::find(call.services(), call.caller(), call.path("messageId")).await?)
}

/// The message when it is in that status or a later one, has failed or came in, or when the time is over.
async fn reached(call: &Call, until: MessageStatus, wait: Duration) -> Result<Message, Failure> {
    let end = Instant::now() + wait;
    let mut bell = call.services().store.bell().listen(&call.caller().account);
    let mut waits = true;
    loop {
        let message = shown(call).await?;
        if message.status >= until || !waits || Instant::now() >= end {
            return Ok(message);
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK.min(end.saturating_duration_since(Instant::now()))) => {}
            _ = bell.changed() => {}
            () = call.waits_no_more() => waits = false,
        }
    }
}
