//! What the kinds of messages say: from the protocol to the fields of the ledger. Owns the names of the fields, which the control API
//! shows as they are.

use serde_json::{Map, Value, json};
use wacore::proto_helpers::MessageExt as _;
use waproto::buffa::MessageField;
use waproto::whatsapp as wa;
use waproto::whatsapp::message::protocol_message::Type;

use crate::media::letter;

/// A message as the ledger writes it.
pub(crate) struct Said {
    pub(crate) kind: &'static str,
    pub(crate) text: Option<String>,
    pub(crate) fields: Map<String, Value>,
}

/// Reads a message; `None` for kinds that this file does not know.
pub(crate) fn read(message: &wa::Message) -> Option<Said> {
    let message = message.get_base_message();
    let mut said = body(message)?;
    if let Some(context) = context(message) {
        if let Some(id) = &context.stanza_id {
            said.fields.insert("quoted".to_owned(), json!(id));
            said.fields.insert("quotedSender".to_owned(), json!(context.participant));
            if let Some(chat) = &context.remote_jid {
                said.fields.insert("quotedChat".to_owned(), json!(chat));
            }
            said = with(said, context.quoted_message.as_option().map(quoted).unwrap_or_default());
        }
        if !context.mentioned_jid.is_empty() {
            said.fields.insert("mentions".to_owned(), json!(context.mentioned_jid));
        }
        if context.is_forwarded == Some(true) {
            said.fields.insert("forwarded".to_owned(), json!(true));
        }
        if let Some(seconds) = context.expiration {
            said.fields.insert("expiration".to_owned(), json!(seconds));
            said.fields.insert("timerSetAt".to_owned(), json!(context.ephemeral_setting_timestamp));
        }
    }
    Some(said)
}

/// What a reply shows of the message that it answers.
fn quoted(message: &wa::Message) -> Value {
    let Some(filed) = letter::filed(message) else {
        return json!({"quotedType": body(message).map(|said| said.kind), "quotedText": words(message)});
    };
    let media = json!({
        "mimeType": filed.mime_type, "size": filed.size, "fileName": filed.file_name, "seconds": filed.seconds, "voice": filed.voice,
        "viewOnce": filed.view_once, "sha256": filed.file_sha256,
    });
    json!({"quotedType": filed.kind, "quotedText": filed.caption, "quotedMedia": media})
}

fn body(message: &wa::Message) -> Option<Said> {
    let plain = |kind, text| Said { kind, text, fields: Map::new() };
    // What is to be said of the file itself stands beside.
    if let Some(kind) = file_kind(message) {
        return Some(plain(kind, None));
    }
    if let Some(text) = words(message) {
        let mut said = plain("text", Some(text));
        if let Some(colour) = message.extended_text_message.as_option().and_then(|extended| extended.background_argb) {
            said.fields.insert("background".to_owned(), json!(format!("#{:06X}", colour & 0x00FF_FFFF)));
        }
        if let Some(link) = message.extended_text_message.as_option().filter(|extended| extended.matched_text.is_some()) {
            let thumbnail = link.jpeg_thumbnail.is_some();
            let preview = json!({"url": link.matched_text, "title": link.title, "description": link.description, "thumbnail": thumbnail});
            said.fields.insert("linkPreview".to_owned(), preview);
        }
        return Some(said);
    }
    if let Some(place) = message.location_message.as_option() {
        let fields = json!({
            "latitude": place.degrees_latitude, "longitude": place.degrees_longitude, "name": place.name, "address": place.address,
        });
        return Some(with(plain("location", None), fields));
    }
    if let Some(contact) = message.contact_message.as_option() {
        return Some(with(plain("contact", None), json!({"contacts": [card(contact)]})));
    }
    if let Some(array) = message.contacts_array_message.as_option() {
        let cards: Vec<_> = array.contacts.iter().map(card).collect();
        return Some(with(plain("contact", None), json!({"contacts": cards})));
    }
    if let Some(poll) = poll(message) {
        let options: Vec<_> = poll.options.iter().filter_map(|option| option.option_name.clone()).collect();
        let fields = json!({"question": poll.name, "options": options, "selectableCount": poll.selectable_options_count});
        return Some(with(plain("poll", None), fields));
    }
    if let Some(reaction) = message.reaction_message.as_option() {
        return Some(about(plain("reaction", reaction.text.clone()), &reaction.key));
    }
    if let Some(vote) = message.poll_update_message.as_option() {
        return Some(about(plain("vote", None), &vote.poll_creation_message_key));
    }
    let protocol = message.protocol_message.as_option()?;
    match protocol.r#type? {
        Type::EPHEMERAL_SETTING => Some(with(plain("timer", None), json!({"expiration": protocol.ephemeral_expiration}))),
        Type::REVOKE => Some(about(plain("delete", None), &protocol.key)),
        Type::MESSAGE_EDIT => {
            let edited = protocol.edited_message.as_option()?;
            let (kind, text) = match letter::filed(edited) {
                Some(filed) => (filed.kind, filed.caption),
                None => ("text".to_owned(), words(edited)),
            };
            Some(about(with(plain("edit", text), json!({"editedType": kind})), &protocol.key))
        }
        _ => None,
    }
}

/// The kind of the file in a message.
fn file_kind(message: &wa::Message) -> Option<&'static str> {
    let kinds = [
        ("image", message.image_message.is_set()),
        ("video", message.video_message.is_set()),
        ("audio", message.audio_message.is_set()),
        ("document", message.document_message.is_set()),
        ("sticker", message.sticker_message.is_set()),
    ];
    kinds.iter().find_map(|(kind, set)| set.then_some(*kind))
}

pub(crate) fn words(message: &wa::Message) -> Option<String> {
    let extended = || message.extended_text_message.as_option().and_then(|extended| extended.text.clone());
    message.conversation.clone().or_else(extended)
}

pub(crate) fn poll(message: &wa::Message) -> Option<&wa::message::PollCreationMessage> {
    [&message.poll_creation_message, &message.poll_creation_message_v2, &message.poll_creation_message_v3]
        .into_iter()
        .find_map(|poll| poll.as_option())
}

/// The secret that votes on the message are sealed with.
pub(crate) fn secret(message: &wa::Message) -> Option<Vec<u8>> {
    message.message_context_info.as_option()?.message_secret.clone()
}

fn with(mut said: Said, fields: Value) -> Said {
    if let Value::Object(fields) = fields {
        said.fields.extend(fields.into_iter().filter(|(_, value)| !value.is_null()));
    }
    said
}

fn about(said: Said, key: &MessageField<wa::MessageKey>) -> Said {
    let Some(key) = key.as_option() else { return said };
    with(said, json!({"target": key.id, "targetFromMe": key.from_me, "targetSender": key.participant}))
}

fn card(contact: &wa::message::ContactMessage) -> Value {
    json!({"name": contact.display_name, "vcard": contact.vcard})
}

fn context(message: &wa::Message) -> Option<&wa::ContextInfo> {
    fn of(field: Option<&MessageField<wa::ContextInfo>>) -> Option<&wa::ContextInfo> {
        field?.as_option()
    }
    of(message.extended_text_message.as_option().map(|message| &message.context_info))
        .or_else(|| of(message.location_message.as_option().map(|message| &message.context_info)))
        .or_else(|| of(message.contact_message.as_option().map(|message| &message.context_info)))
        .or_else(|| of(message.contacts_array_message.as_option().map(|message| &message.context_info)))
        .or_else(|| of(poll(message).map(|message| &message.context_info)))
        .or_else(|| of(message.image_message.as_option().map(|message| &message.context_info)))
        .or_else(|| of(message.video_message.as_option().map(|message| &message.context_info)))
        .or_else(|| of(message.audio_message.as_option().map(|message| &message.context_info)))
        .or_else(|| of(message.document_message.as_option().map(|message| &message.context_info)))
        .or_else(|| of(message.sticker_message.as_option().map(|message| &message.context_info)))
}
