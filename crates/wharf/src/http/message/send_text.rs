use wharf_api::types::message::{MessageStatus, SendText};
use wharf_core::message::{self, send_text as rules};

use crate::http::envelope::Reply;
use crate::http::{Answer, Call, idempotency};

pub(in crate::http) async fn send_text(call: Call) -> Answer {
    let request: SendText = call.json()?;
    send(&call, &request).await
}

/// Sends what `request` says, once for each `Idempotency-Key`.
pub(in crate::http) async fn send(call: &Call, request: &SendText) -> Answer {
    let command = rules::Command {
        session: request.session_id.clone(),
        to: request.to.clone(),
        text: request.text.clone(),
        asynchronous: request.asynchronous,
    };
    // The shape comes before the key's history: a request that cannot be does not use up a key.
    rules::check(&command)?;
    let sent = async |claim| {
        let sent = message::send_text(call.services(), call.caller(), command.clone(), claim).await?;
        Ok(Reply::created(sent.view()))
    };
    let resumed = async |id: String| {
        let row = message::find_row(call.services(), call.caller(), &id).await?;
        if row.status == MessageStatus::Failed {
            let reason = row.error_reason.unwrap_or_default();
            return Err(message::Error::Failed { id: row.id, reason }.into());
        }
        Reply::created(message::view(&row))
    };
    idempotency::once::<message::Error, _, _>(call, request, sent, resumed).await
}
