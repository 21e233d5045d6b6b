//! What is frozen when a message is accepted: its id on the wire and its plaintext with the message secret.
//!
//! The library would make up a secret at the first try and remember it only after the bytes are out; a repeat after a
//! crash would then carry another secret, and votes, edits and reactions on the message would not decrypt.

mod body;
mod kind;
mod media;

use waproto::buffa::{Message as _, MessageField};
use waproto::whatsapp as wa;
use wharf_api::ids::SessionId;
use wharf_api::{Recipient, Timestamp};
use wharf_core::Chance;
use wharf_core::engine::{Body, Composed, Draft, Quote};
use wharf_core::seal::{Seal, payload};

pub(crate) use kind::feature;

/// A message with a fresh id and, where others will refer to it, a fresh secret.
pub(crate) fn compose(chance: &dyn Chance, own_jid: &str, to: &Recipient, draft: &Draft, at: Timestamp) -> Composed {
    let chat = to.jid();
    let place = body::ChatPlace { own_jid, chat: &chat, at };
    let mut message = body::message(&place, &draft.body, context(&place, draft));
    if !matches!(draft.body, Body::Reaction { .. } | Body::Edit { .. } | Body::Revoke { .. }) {
        let mut secret = vec![0; 32];
        chance.fill(&mut secret);
        message.message_context_info = MessageField::some(wa::MessageContextInfo { message_secret: Some(secret), ..Default::default() });
    }
    Composed { wa_id: wa_id(chance), payload: message.encode_to_vec() }
}

/// What the message says of others: whom it answers and mentions, and that it was forwarded.
fn context(place: &body::ChatPlace<'_>, draft: &Draft) -> MessageField<wa::ContextInfo> {
    if draft.reply.is_none() && draft.mentions.is_empty() && !draft.forwarded {
        return MessageField::none();
    }
    let mut context = wa::ContextInfo { mentioned_jid: draft.mentions.clone(), ..Default::default() };
    if draft.forwarded {
        context.is_forwarded = Some(true);
        context.forwarding_score = Some(1);
    }
    if let Some(Quote { key, content, view_once, elsewhere }) = &draft.reply {
        context.remote_jid.clone_from(elsewhere);
        context.stanza_id = Some(key.wa_id.clone());
        let author = if key.from_me { Some(place.own_jid) } else { key.sender.as_deref() };
        context.participant = Some(author.unwrap_or(place.chat).to_owned());
        context.quoted_message = MessageField::some(body::quoted(place, content, *view_once));
    }
    MessageField::some(context)
}

/// Whether a frozen payload can still be read, once its seal is open.
pub fn reads_back(payload: &[u8]) -> bool {
    read(payload).is_some()
}

/// The message that a row holds frozen; `None` where it is damaged, or sealed by another key.
pub(crate) fn thaw(seal: &Seal, session: &SessionId, wa_id: &str, stored: Vec<u8>) -> Option<wa::Message> {
    read(&payload::open(seal, session.as_str(), wa_id, stored).ok()?)
}

pub(crate) fn read(payload: &[u8]) -> Option<wa::Message> {
    wa::Message::decode_from_slice(payload).ok()
}

/// An id as WhatsApp Web makes them: `3EB0` and 18 upper-case hexadecimal digits.
fn wa_id(chance: &dyn Chance) -> String {
    use std::fmt::Write as _;
    let mut bytes = [0; 9];
    chance.fill(&mut bytes);
    bytes.iter().fold(String::from("3EB0"), |mut id, byte| {
        let _ = write!(id, "{byte:02X}");
        id
    })
}

#[cfg(test)]
mod tests;
