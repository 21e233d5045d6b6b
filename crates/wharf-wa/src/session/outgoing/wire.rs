//! One message on the wire: hand it to the library, wait for the server's word.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio_util::sync::CancellationToken;
use wacore_binary::Jid;
use wharf_core::store::Outgoing;
use whatsapp_rust::client::Client;
use whatsapp_rust::send::{SendError, SendOptions};
use whatsapp_rust::{ClientError, ErrorChainExt as _};

use super::verdict::Verdict;
use crate::compose;
use crate::session::Own;
use crate::session::flight::Answer;

/// Key look-ups and encryption included. The library itself would wait for a minute.
const WRITE_LIMIT: Duration = Duration::from_secs(10);

pub(super) async fn send(own: &Arc<Own>, client: &Client, message: &Outgoing, gone: &CancellationToken) -> Verdict {
    let (Ok(to), Some(content)) = (message.chat.parse::<Jid>(), compose::thaw(&message.payload)) else {
        tracing::error!(session = %own.session(), message = %message.id, "an accepted message cannot be read back");
        return Verdict::Failed("the stored message cannot be read".to_owned());
    };
    let mut awaited = own.flight.expect(&message.wa_id);
    // As close before the write as the library lets us: it encrypts and writes in one call.
    fail::fail_point!("S2-encrypted");
    let options = SendOptions::default().with_message_id(message.wa_id.clone());
    let write = AssertUnwindSafe(client.send_message_with_options(to, content, options)).catch_unwind();
    let written = tokio::select! {
        written = tokio::time::timeout(WRITE_LIMIT, write) => written,
        () = gone.cancelled() => return Verdict::Again { chat_rests: false },
    };
    match written {
        Ok(Ok(Ok(_))) => {}
        Ok(Ok(Err(error))) => return refused_by_library(own, &error),
        Ok(Err(_)) => {
            tracing::error!(session = %own.session(), message = %message.id, "the library panicked over a message");
            return Verdict::Again { chat_rests: true };
        }
        Err(_) => {
            tracing::warn!(session = %own.session(), message = %message.id, "a message was not written in time");
            return Verdict::Again { chat_rests: true };
        }
    }
    fail::fail_point!("S3-written");
    let answer = tokio::select! {
        answer = awaited.answer() => answer,
        () = gone.cancelled() => return Verdict::Again { chat_rests: false },
        () = tokio::time::sleep(own.ctx.config.send_ack_timeout) => {
            tracing::warn!(session = %own.session(), message = %message.id, "no acknowledgement came in time");
            return Verdict::Again { chat_rests: true };
        }
    };
    fail::fail_point!("S4-acked");
    match answer {
        Answer::Acknowledged => Verdict::Sent,
        Answer::Refused(code) => {
            tracing::info!(session = %own.session(), message = %message.id, code, "WhatsApp refused a message");
            Verdict::of_refusal(&code)
        }
    }
}

/// What an error of the library means. Its words may hold numbers: only its kind is logged.
fn refused_by_library(own: &Own, error: &SendError) -> Verdict {
    let rejection = error.server_rejection().map(|rejection| rejection.code);
    let (kind, verdict) = match error {
        _ if matches!(rejection, Some(429 | 500..=599)) => ("overload", Verdict::HoldAll),
        // Before a message to a group is encrypted its members are asked for.
        _ if matches!(rejection, Some(401 | 403 | 404)) => {
            ("not a member", Verdict::Failed("WhatsApp does not show this chat to the session: it is not in the group".to_owned()))
        }
        SendError::NotLoggedIn | SendError::Client(ClientError::NotConnected) => ("not connected", Verdict::Again { chat_rests: false }),
        _ if error.is_transport_unavailable() => ("not connected", Verdict::Again { chat_rests: false }),
        SendError::InvalidRequest(_) => ("invalid", Verdict::Failed("the message cannot be sent to this recipient".to_owned())),
        SendError::Iq(_) => ("query", Verdict::Again { chat_rests: true }),
        _ => ("internal", Verdict::Again { chat_rests: true }),
    };
    tracing::warn!(session = %own.session(), kind, code = rejection, "a message was not written");
    verdict
}
