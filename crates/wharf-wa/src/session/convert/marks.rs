//! What a message says of others: whom it answers and mentions, and that it was forwarded.

use waproto::whatsapp as wa;
use wharf_api::types::message::{Marks, Reference};

/// The marks of a message without its wrappers.
pub(super) fn of(base: &wa::Message) -> Marks {
    let Some(context) = context(base) else { return Marks::default() };
    let reply_to = context.stanza_id.clone().filter(|id| !id.is_empty()).map(|whatsapp_id| Reference {
        message_id: None,
        whatsapp_id,
        from: context.participant.clone().filter(|from| !from.is_empty()),
    });
    Marks { reply_to, mentions: context.mentioned_jid.clone(), forwarded: context.is_forwarded.unwrap_or_default(), ..Marks::default() }
}

pub(in crate::session) fn context(base: &wa::Message) -> Option<&wa::ContextInfo> {
    macro_rules! first {
        ($($kind:ident),+ $(,)?) => {
            [$(base.$kind.as_option().and_then(|message| message.context_info.as_option())),+].into_iter().flatten().next()
        };
    }
    first!(
        extended_text_message,
        image_message,
        video_message,
        ptv_message,
        audio_message,
        document_message,
        sticker_message,
        location_message,
        live_location_message,
        contact_message,
        contacts_array_message,
        poll_creation_message,
        poll_creation_message_v2,
        poll_creation_message_v3,
        poll_creation_message_v5,
        poll_creation_message_v6,
        event_message,
        group_invite_message,
        list_response_message,
        buttons_response_message,
        template_button_reply_message,
        interactive_response_message,
    )
}
