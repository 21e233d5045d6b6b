//! From a decrypted message to the row that keeps it.
//!
//! Ids are taken from what the stanza itself says, never from what was learned since: a redelivered message must get the
//! same chat and sender, or it would stand there twice.

use wacore::proto_helpers::MessageExt as _;
use wacore::types::message::{MessageCategory, MessageInfo};
use wacore_binary::{Jid, JidExt as _};
use waproto::buffa::{Message as _, MessageField};
use waproto::whatsapp as wa;
use wharf_api::Timestamp;
use wharf_api::ids::MessageId;
use wharf_api::types::message::{Content, Direction, MessageStatus};
use wharf_core::store::{Fence, MessageRow};

/// One end of a message, by both names where the stanza tells both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Person {
    /// The phone number's id where it is known, the LID otherwise: outgoing messages name chats by number.
    pub(super) id: String,
    pub(super) phone: Option<String>,
    pub(super) lid: Option<String>,
}

impl Person {
    pub(super) fn of(jid: &Jid, other: Option<&Jid>) -> Self {
        let names = [Some(jid), other];
        let known = |is: fn(&Jid) -> bool| names.iter().flatten().find(|name| is(name)).copied();
        let phone = known(Jid::is_pn);
        let lid = known(Jid::is_lid);
        Self {
            id: phone.unwrap_or(jid).to_non_ad_string(),
            phone: phone.map(|jid| jid.user_base().to_owned()),
            lid: lid.map(Jid::to_non_ad_string),
        }
    }
}

/// The row of an incoming message, or why it gets none.
pub(super) fn row(fence: &Fence, id: MessageId, message: &wa::Message, info: &MessageInfo) -> Result<MessageRow, &'static str> {
    let source = &info.source;
    if info.category == MessageCategory::Peer {
        return Err("between the account's own devices");
    }
    if source.is_from_me {
        return Err("sent by another device of the account");
    }
    if source.chat.is_status_broadcast() || source.chat.is_newsletter() {
        return Err("a status or a channel");
    }
    let content = content(message)?;
    let sender = Person::of(&source.sender, source.sender_alt.as_ref());
    let chat = if source.is_group || source.chat.is_group() {
        Person { id: source.chat.to_non_ad_string(), ..Person::default() }
    } else {
        Person::of(&source.chat, source.sender_alt.as_ref())
    };
    Ok(MessageRow {
        id,
        account: fence.account.clone(),
        session: fence.session.clone(),
        wa_id: info.id.clone(),
        direction: Direction::Incoming,
        status: MessageStatus::Received,
        chat: chat.id,
        chat_phone: chat.phone,
        chat_lid: chat.lid,
        sender: Some(sender.id),
        sender_phone: sender.phone,
        sender_lid: sender.lid,
        sender_name: Some(info.push_name.clone()).filter(|name| !name.is_empty()),
        content,
        error: None,
        error_reason: None,
        created_at: Timestamp::from_millis(info.timestamp.timestamp_millis()),
    })
}

fn content(message: &wa::Message) -> Result<Content, &'static str> {
    let base = message.get_base_message();
    if base.protocol_message.is_set() {
        return Err("protocol");
    }
    if let Some(text) = base.text_content() {
        return Ok(Content::Text { text: text.to_owned() });
    }
    match kind(base) {
        Some(kind) => Ok(Content::Unsupported { kind: kind.to_owned() }),
        None if is_bare(base) => Err("keys only"),
        None => Ok(Content::Unsupported { kind: "unknown".to_owned() }),
    }
}

/// Whether the message says nothing: keys travel in messages of their own.
fn is_bare(message: &wa::Message) -> bool {
    let mut rest = message.clone();
    rest.sender_key_distribution_message = MessageField::none();
    rest.fast_ratchet_key_sender_key_distribution_message = MessageField::none();
    rest.message_context_info = MessageField::none();
    rest.encode_to_vec().is_empty()
}

fn kind(message: &wa::Message) -> Option<&'static str> {
    let kinds = [
        (message.image_message.is_set(), "image"),
        (message.video_message.is_set() || message.ptv_message.is_set(), "video"),
        (message.audio_message.is_set(), "audio"),
        (message.document_message.is_set(), "document"),
        (message.sticker_message.is_set() || message.lottie_sticker_message.is_set(), "sticker"),
        (message.sticker_pack_message.is_set(), "sticker_pack"),
        (message.location_message.is_set(), "location"),
        (message.live_location_message.is_set(), "live_location"),
        (message.contact_message.is_set() || message.contacts_array_message.is_set(), "contact"),
        (message.reaction_message.is_set() || message.enc_reaction_message.is_set(), "reaction"),
        (
            message.poll_creation_message.is_set()
                || message.poll_creation_message_v2.is_set()
                || message.poll_creation_message_v3.is_set()
                || message.poll_creation_message_v5.is_set(),
            "poll",
        ),
        (message.poll_update_message.is_set(), "poll_vote"),
        (message.event_message.is_set(), "event"),
        (message.group_invite_message.is_set(), "group_invite"),
        (message.product_message.is_set() || message.order_message.is_set(), "commerce"),
        (message.album_message.is_set(), "album"),
        (message.pin_in_chat_message.is_set(), "pin"),
        (message.keep_in_chat_message.is_set(), "keep"),
        (message.secret_encrypted_message.is_set(), "edit"),
        (message.call.is_set() || message.call_log_messsage.is_set(), "call"),
        (message.template_message.is_set() || message.buttons_message.is_set() || message.list_message.is_set(), "interactive"),
        (message.interactive_message.is_set() || message.highly_structured_message.is_set(), "interactive"),
        (message.list_response_message.is_set() || message.buttons_response_message.is_set(), "interactive_reply"),
        (message.template_button_reply_message.is_set() || message.interactive_response_message.is_set(), "interactive_reply"),
    ];
    kinds.iter().find(|(is, _)| *is).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests;
