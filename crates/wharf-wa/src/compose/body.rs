//! The bodies of the kinds, as official clients write them.

use waproto::buffa::MessageField;
use waproto::whatsapp as wa;
use waproto::whatsapp::message::protocol_message::Type;
use waproto::whatsapp::message::{ContactMessage, ContactsArrayMessage, ExtendedTextMessage, LocationMessage, ProtocolMessage};
use wharf_api::Timestamp;
use wharf_api::recipient::{STATUS_CHAT, is_shared};
use wharf_api::types::message::{ContactCard, Content};
use wharf_core::engine::{Body, Key, Preview};
use wharf_core::message::vcard;

/// Colours: 0xAARRGGBB on the wire.
const OPAQUE: u32 = 0xFF00_0000;
const WHITE: u32 = 0x00FF_FFFF;
/// What a status stands on where nothing is chosen: a dark green.
const BACKGROUND: u32 = 0x001E_6E4F;

/// From whom, where and when a message is written.
pub(super) struct ChatPlace<'a> {
    pub(super) own_jid: &'a str,
    pub(super) chat: &'a str,
    pub(super) at: Timestamp,
}

type ContextField = MessageField<wa::ContextInfo>;

pub(super) fn message(place: &ChatPlace<'_>, body: &Body, context: ContextField) -> wa::Message {
    match body {
        Body::Text { text, preview, background } if place.chat == STATUS_CHAT => {
            on_background(words(text, preview.as_ref(), context), *background)
        }
        Body::Text { text, preview, .. } => words(text, preview.as_ref(), context),
        Body::Location { latitude, longitude, name, address } => location(*latitude, *longitude, name.as_ref(), address.as_ref(), context),
        Body::Contact { contacts } => contacts_of(contacts, context),
        Body::Poll { question, options, selectable_count } => poll(question, options, *selectable_count, context),
        Body::Media(media) => super::media::message(media, context),
        Body::Reaction { target, emoji } => wa::Message {
            reaction_message: MessageField::some(wa::message::ReactionMessage {
                key: key(place, target),
                text: Some(emoji.clone()),
                sender_timestamp_ms: Some(place.at.as_millis()),
                ..Default::default()
            }),
            ..Default::default()
        },
        Body::Edit { target, text, captioned } => protocol(ProtocolMessage {
            key: key(place, target),
            r#type: Some(Type::MESSAGE_EDIT),
            edited_message: MessageField::some(match captioned {
                Some(kind) => super::media::caption(*kind, text),
                None => words(text, None, context),
            }),
            timestamp_ms: Some(place.at.as_millis()),
            ..Default::default()
        }),
        Body::Revoke { target } => protocol(ProtocolMessage { key: key(place, target), r#type: Some(Type::REVOKE), ..Default::default() }),
    }
}

/// What a reply shows of the message that it answers.
pub(super) fn quoted(place: &ChatPlace<'_>, content: &Content, view_once: bool) -> wa::Message {
    let none = ContextField::none;
    if let (Some(kind), Some(media)) = (content.media_kind(), content.media()) {
        return super::media::quoted(kind, media, view_once);
    }
    match content {
        Content::Text { text, .. } => words(text, None, none()),
        Content::Location { latitude, longitude, name, address } => {
            location(*latitude, *longitude, name.as_ref(), address.as_ref(), none())
        }
        Content::Contact { contacts } => contacts_of(contacts, none()),
        Content::Poll { question, options, selectable_count, .. } => poll(question, options, *selectable_count, none()),
        // Nothing can be shown of it; the reader's client finds the message by its id.
        _ => message(place, &Body::Text { text: String::new(), preview: None, background: None }, none()),
    }
}

fn words(text: &str, preview: Option<&Preview>, context: ContextField) -> wa::Message {
    if preview.is_none() && context.is_unset() {
        return wa::Message { conversation: Some(text.to_owned()), ..Default::default() };
    }
    let mut extended = ExtendedTextMessage { text: Some(text.to_owned()), context_info: context, ..Default::default() };
    if let Some(Preview { link, thumbnail }) = preview {
        extended.matched_text = Some(link.url.clone());
        extended.title = Some(link.title.clone());
        extended.description.clone_from(&link.description);
        extended.jpeg_thumbnail.clone_from(thumbnail);
        extended.preview_type = Some(wa::message::extended_text_message::PreviewType::NONE);
    }
    wa::Message { extended_text_message: MessageField::some(extended), ..Default::default() }
}

/// A text as a status: phones show one without a background as an empty picture.
fn on_background(mut message: wa::Message, background: Option<u32>) -> wa::Message {
    let text = message.conversation.take();
    let extended = message.extended_text_message.get_or_insert_default();
    extended.text = text.or(extended.text.take());
    extended.background_argb = Some(OPAQUE | background.unwrap_or(BACKGROUND));
    extended.text_argb = Some(OPAQUE | WHITE);
    extended.font = Some(wa::message::extended_text_message::FontType::SYSTEM);
    message
}

fn location(latitude: f64, longitude: f64, name: Option<&String>, address: Option<&String>, context: ContextField) -> wa::Message {
    let location = LocationMessage {
        degrees_latitude: Some(latitude),
        degrees_longitude: Some(longitude),
        name: name.cloned(),
        address: address.cloned(),
        context_info: context,
        ..Default::default()
    };
    wa::Message { location_message: MessageField::some(location), ..Default::default() }
}

fn contacts_of(cards: &[ContactCard], context: ContextField) -> wa::Message {
    let contact = |card: &ContactCard, context_info: ContextField| ContactMessage {
        display_name: Some(card.name.clone()),
        vcard: Some(vcard::write(card)),
        context_info,
        ..Default::default()
    };
    if let [card] = cards {
        return wa::Message { contact_message: MessageField::some(contact(card, context)), ..Default::default() };
    }
    let array = ContactsArrayMessage {
        display_name: Some(format!("{} contacts", cards.len())),
        contacts: cards.iter().map(|card| contact(card, ContextField::none())).collect(),
        context_info: context,
    };
    wa::Message { contacts_array_message: MessageField::some(array), ..Default::default() }
}

fn poll(question: &str, options: &[String], selectable_count: u32, context: ContextField) -> wa::Message {
    let option = |name: &String| wa::message::poll_creation_message::Option { option_name: Some(name.clone()), ..Default::default() };
    let poll = MessageField::some(wa::message::PollCreationMessage {
        name: Some(question.to_owned()),
        options: options.iter().map(option).collect(),
        selectable_options_count: Some(selectable_count),
        poll_content_type: Some(wa::message::PollContentType::TEXT),
        context_info: context,
        ..Default::default()
    });
    // Official clients show the third version where one option may be chosen, and the first otherwise.
    if selectable_count == 1 {
        wa::Message { poll_creation_message_v3: poll, ..Default::default() }
    } else {
        wa::Message { poll_creation_message: poll, ..Default::default() }
    }
}

/// The name of another message of the chat. In a group and of a status it says who wrote it.
fn key(place: &ChatPlace<'_>, key: &Key) -> MessageField<wa::MessageKey> {
    let participant = match (is_shared(place.chat), key.from_me) {
        (true, false) => key.sender.clone(),
        _ => None,
    };
    MessageField::some(wa::MessageKey {
        remote_jid: Some(place.chat.to_owned()),
        from_me: Some(key.from_me),
        id: Some(key.wa_id.clone()),
        participant,
    })
}

fn protocol(protocol: ProtocolMessage) -> wa::Message {
    wa::Message { protocol_message: MessageField::some(protocol), ..Default::default() }
}
