//! What the account's own phone has read and this device could not: the phone gives it again in a message between own devices. The library
//! hands the content on past the durability hook; the hook sees the message that brings it, so it is taken out there and stored in the
//! same commit. A death before that is a repeat, and a repeat of what is there changes nothing.

use std::sync::Arc;

use wacore::types::events::InboundMessage;
use wacore::types::message::{MessageInfo, MessageSource};
use wacore_binary::{Jid, JidExt as _};
use waproto::buffa::Message as _;
use waproto::whatsapp as wa;
use wharf_api::types::message::{Content, Direction};
use wharf_core::session::user_part;
use wharf_core::store::{self, MessageRow};
use whatsapp_rust::client::Client;

use super::Own;

/// A message that the phone gave again.
pub(super) struct Recovered {
    pub(super) inbound: InboundMessage,
    /// The row that stands for it, where there is one: it says who wrote where.
    pub(super) waiting: Option<MessageRow>,
}

impl Recovered {
    /// Puts the row where the one that waits stands.
    pub(super) fn place(&self, row: &mut MessageRow) {
        let Some(waiting) = &self.waiting else { return };
        row.chat.clone_from(&waiting.chat);
        row.chat_phone.clone_from(&waiting.chat_phone);
        row.chat_lid.clone_from(&waiting.chat_lid);
        row.sender.clone_from(&waiting.sender);
        row.sender_phone.clone_from(&waiting.sender_phone);
        row.sender_lid.clone_from(&waiting.sender_lid);
        row.direction = waiting.direction;
        row.status = waiting.status;
    }

    /// Gives the row the time of the one that waits. A change knows itself when it was made; whether it is one, of a vote shows only once it
    /// is read.
    pub(super) fn date(&self, row: &mut MessageRow) {
        if let Some(waiting) = self.waiting.as_ref().filter(|_| row.content.target().is_none()) {
            row.created_at = waiting.created_at;
        }
    }
}

/// The messages that this one brings again, without those that are there.
pub(super) async fn of(own: &Own, client: &Client, inbound: &InboundMessage) -> Result<Vec<Recovered>, store::Error> {
    let mut found = Vec::new();
    // Nobody but the own phone knows what it read.
    let source = &inbound.info.source;
    let protocol = inbound.message.protocol_message.as_option().filter(|_| source.is_from_me && source.sender.device == 0);
    let response = protocol.and_then(|protocol| protocol.peer_data_operation_request_response_message.as_option());
    let results = response.map(|response| response.peer_data_operation_result.as_slice()).unwrap_or_default();
    for result in results {
        let bytes = result.placeholder_message_resend_response.as_option().and_then(|given| given.web_message_info_bytes.as_deref());
        let Some(info) = bytes.and_then(|bytes| wa::WebMessageInfo::decode_from_slice(bytes).ok()) else { continue };
        found.extend(one(own, client, info).await?);
    }
    Ok(found)
}

async fn one(own: &Own, client: &Client, mut given: wa::WebMessageInfo) -> Result<Option<Recovered>, store::Error> {
    let session = own.session();
    // A phone that could not read it either answers without it.
    let Some(message) = given.message.take() else { return Ok(None) };
    let Some(key) = given.key.as_option() else { return Ok(None) };
    let (Some(chat), Some(id)) = (key.remote_jid.as_deref().and_then(|jid| jid.parse::<Jid>().ok()), key.id.clone()) else {
        return Ok(None);
    };
    let author = key.participant.as_deref().and_then(|jid| jid.parse::<Jid>().ok());
    let from_me = key.from_me.unwrap_or(false);
    let rows = own.ctx.store.messages_on_wire(session, &id).await?;
    let (waiting, there): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .filter(|row| fits(row, from_me, &chat, author.as_ref()))
        .partition(|row| matches!(row.content, Content::Undecryptable {}));
    if waiting.is_empty() && !there.is_empty() {
        return Ok(None);
    }
    let sender = match &author {
        Some(author) => author.clone(),
        None if from_me => client.pn().unwrap_or_else(|| chat.clone()),
        None => chat.clone(),
    };
    let other = other_name(client, if from_me { &chat } else { &sender }).await;
    let info = MessageInfo {
        id,
        source: MessageSource {
            is_group: chat.is_group(),
            chat,
            sender,
            is_from_me: from_me,
            sender_alt: other.clone().filter(|_| !from_me),
            recipient_alt: other.filter(|_| from_me),
            ..MessageSource::default()
        },
        timestamp: given
            .message_timestamp
            .and_then(|secs| i64::try_from(secs).ok())
            .map_or_else(wacore::time::now_utc, wacore::time::from_secs_or_now),
        push_name: given.push_name.clone().unwrap_or_default(),
        ..MessageInfo::default()
    };
    let inbound = InboundMessage::builder().message(Arc::from(message)).info(Arc::new(info)).build();
    Ok(Some(Recovered { inbound, waiting: waiting.into_iter().next() }))
}

/// Whether the row is of the message that the phone names. Phones name people by number or LID, whichever they like.
fn fits(row: &MessageRow, from_me: bool, chat: &Jid, author: Option<&Jid>) -> bool {
    let is = |jid: &Jid, names: [Option<&str>; 3]| names.into_iter().flatten().any(|name| user_part(name) == jid.user_base());
    let chats = [Some(row.chat.as_str()), row.chat_phone.as_deref(), row.chat_lid.as_deref()];
    let senders = [row.sender.as_deref(), row.sender_phone.as_deref(), row.sender_lid.as_deref()];
    (row.direction == Direction::Outgoing) == from_me && is(chat, chats) && author.is_none_or(|author| from_me || is(author, senders))
}

/// The number behind a LID and the other way round, where that is known.
pub(super) async fn other_name(client: &Client, jid: &Jid) -> Option<Jid> {
    let entry = client.get_lid_pn_entry(jid).await.ok().flatten()?;
    if jid.is_lid() { Some(Jid::pn(&*entry.phone_number)) } else { Some(Jid::lid(&*entry.lid)) }
}
