//! Which feature a composed message needs.

use waproto::whatsapp as wa;
use waproto::whatsapp::message::protocol_message::Type;
use wharf_api::types::switches::Feature;

/// The feature of a message that [`super::compose`] made.
pub(crate) fn feature(message: &wa::Message) -> Feature {
    if let Some(protocol) = message.protocol_message.as_option() {
        return if protocol.r#type == Some(Type::REVOKE) { Feature::Deletions } else { Feature::Edits };
    }
    let polls = [&message.poll_creation_message, &message.poll_creation_message_v3];
    let parts = [
        (message.conversation.is_some() || message.extended_text_message.is_set(), Feature::Texts),
        (message.reaction_message.is_set(), Feature::Reactions),
        (polls.iter().any(|poll| poll.is_set()), Feature::Polls),
        (message.location_message.is_set(), Feature::Locations),
        (message.contact_message.is_set() || message.contacts_array_message.is_set(), Feature::Contacts),
    ];
    // What is left has a file, which may be wrapped to be opened once.
    parts.into_iter().find(|(there, _)| *there).map_or(Feature::Media, |(_, feature)| feature)
}
