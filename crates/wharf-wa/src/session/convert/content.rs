//! What a message says, in the words of the contract.

use wacore::proto_helpers::MessageExt as _;
use waproto::buffa::{Message as _, MessageField};
use waproto::whatsapp as wa;
use waproto::whatsapp::message::protocol_message::Type;
use wharf_api::ids::MediaId;
use wharf_api::types::message::{Content, LinkPreview, Reference};
use wharf_core::message::vcard;

use super::{media, words};

/// The content, or why the message gets no row.
pub(super) fn of(message: &wa::Message, id: &MediaId) -> Result<Content, &'static str> {
    let base = message.get_base_message();
    if let Some(protocol) = base.protocol_message.as_option() {
        return change(protocol).ok_or("protocol");
    }
    if let Some(content) = media::of(base, id).or_else(|| known(base)) {
        return Ok(content);
    }
    match kind(base) {
        None if is_bare(base) => Err("keys only"),
        kind => Ok(Content::Unsupported { kind: kind.unwrap_or("unknown").to_owned(), text: words::of(base) }),
    }
}

fn change(protocol: &wa::message::ProtocolMessage) -> Option<Content> {
    let target = reference(&protocol.key)?;
    match protocol.r#type? {
        Type::REVOKE => Some(Content::Deletion { target }),
        Type::MESSAGE_EDIT => {
            let edited = protocol.edited_message.as_option()?.get_base_message();
            Some(Content::Edit { text: edited.text_content().or_else(|| caption(edited))?.to_owned(), target })
        }
        _ => None,
    }
}

/// The words under the file of an edited message; empty where they were taken away.
fn caption(edited: &wa::Message) -> Option<&str> {
    let captioned = edited.image_message.is_set() || edited.video_message.is_set() || edited.document_message.is_set();
    captioned.then(|| edited.get_caption().unwrap_or_default())
}

fn known(base: &wa::Message) -> Option<Content> {
    if let Some(text) = base.text_content() {
        return Some(Content::Text { text: text.to_owned(), link_preview: preview(base) });
    }
    if let Some(place) = base.location_message.as_option().filter(|place| is_somewhere(place)) {
        return Some(Content::Location {
            latitude: place.degrees_latitude.unwrap_or_default(),
            longitude: place.degrees_longitude.unwrap_or_default(),
            name: place.name.clone().filter(|name| !name.is_empty()),
            address: place.address.clone().filter(|address| !address.is_empty()),
        });
    }
    let card =
        |contact: &wa::message::ContactMessage| vcard::read(contact.vcard.as_deref().unwrap_or_default(), contact.display_name.as_deref());
    if let Some(contact) = base.contact_message.as_option() {
        return Some(Content::Contact { contacts: vec![card(contact)] });
    }
    if let Some(array) = base.contacts_array_message.as_option() {
        return Some(Content::Contact { contacts: array.contacts.iter().map(card).collect() });
    }
    if let Some(poll) = poll(base) {
        return Some(Content::Poll {
            question: poll.name.clone().unwrap_or_default(),
            options: poll.options.iter().filter_map(|option| option.option_name.clone()).collect(),
            selectable_count: poll.selectable_options_count.unwrap_or_default(),
            results: Vec::new(),
        });
    }
    let reaction = base.reaction_message.as_option()?;
    Some(Content::Reaction { emoji: reaction.text.clone().unwrap_or_default(), target: reference(&reaction.key)? })
}

/// A place that is nowhere stays shown by its kind: JSON has no word for some such numbers, and no map for the others.
fn is_somewhere(place: &wa::message::LocationMessage) -> bool {
    let within = |degrees: Option<f64>, limit: f64| degrees.is_none_or(|degrees| degrees.abs() <= limit);
    within(place.degrees_latitude, 90.0) && within(place.degrees_longitude, 180.0)
}

pub(super) fn poll(base: &wa::Message) -> Option<&wa::message::PollCreationMessage> {
    let versions = [
        &base.poll_creation_message,
        &base.poll_creation_message_v2,
        &base.poll_creation_message_v3,
        &base.poll_creation_message_v5,
        &base.poll_creation_message_v6,
    ];
    versions.into_iter().find_map(|poll| poll.as_option())
}

/// The message that a key names. Who wrote it is said in groups only.
pub(super) fn reference(key: &MessageField<wa::MessageKey>) -> Option<Reference> {
    let key = key.as_option()?;
    let from = key.participant.clone().filter(|from| !from.is_empty());
    Some(Reference { whatsapp_id: key.id.clone()?, from, ..Reference::default() })
}

fn preview(base: &wa::Message) -> Option<LinkPreview> {
    let extended = base.extended_text_message.as_option()?;
    let url = extended.matched_text.clone().filter(|url| !url.is_empty())?;
    let description = extended.description.clone().filter(|description| !description.is_empty());
    Some(LinkPreview { url, title: extended.title.clone().unwrap_or_default(), description })
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
        (message.enc_reaction_message.is_set(), "reaction"),
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
