use wharf_api::types::message::{Content, Direction, MessageStatus};
use wharf_api::{ApiError, Recipient, limits};
use wharf_core::store::MessageFilter;
use wharf_core::{message, session};

use crate::http::envelope::{Reply, invalid};
use crate::http::query::Query;
use crate::http::{Answer, Call, page};

pub(in crate::http) async fn list_messages(call: Call) -> Answer {
    let statuses: Vec<_> = MessageStatus::ALL.iter().map(|status| status.as_str()).collect();
    let directions = [Direction::Outgoing.as_str(), Direction::Incoming.as_str()];
    let mut filter = MessageFilter {
        chat: chat(&call.query)?,
        direction: call.query.word("direction", Direction::parse, &directions)?,
        status: call.query.word("status", MessageStatus::parse, &statuses)?,
        kind: call.query.word("type", |text| Content::TYPES.contains(&text).then(|| text.to_owned()), Content::TYPES)?,
        text: call.query.text("text", limits::SEARCH_CHARS)?,
        since: call.query.time("since")?,
        until: call.query.time("until")?,
        reference: call.query.text("reference", limits::REFERENCE_CHARS)?,
        wa_id: call.query.get("whatsappId").map(str::to_owned),
        ..MessageFilter::default()
    };
    if filter.wa_id.is_some() && call.query.get("sessionId").is_none() {
        return Err(invalid("an id of WhatsApp's is one session's: name it").field("sessionId").into());
    }
    let page = page::wanted(&call.query)?;
    if let Some(id) = call.query.whose("sessionId")? {
        filter.session = Some(session::find_row(call.services(), call.caller(), id).await?.id);
    }
    let found = message::list(call.services(), call.caller(), filter, page).await?;
    let shown: Vec<_> = found.rows.iter().map(message::view).collect();
    Reply::list(shown, page::next(found.next))
}

/// A chat by its phone number, which finds it under its LID too, or by its id as WhatsApp writes it.
fn chat(query: &Query) -> Result<Option<String>, ApiError> {
    let Some(text) = query.whose("chatId")? else { return Ok(None) };
    match Recipient::parse(text) {
        Ok(Recipient::Phone(digits)) => Ok(Some(digits)),
        Ok(other) => Ok(Some(other.jid())),
        // A chat that nobody can write to has messages all the same; a misread number has none of its own.
        Err(_) if text.rsplit_once('@').is_some_and(|(_, server)| !matches!(server, "s.whatsapp.net" | "c.us")) => {
            Ok(Some(text.to_owned()))
        }
        Err(reason) => Err(invalid(reason).field("chatId")),
    }
}
