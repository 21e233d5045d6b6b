//! What a message says of others: whom it answers and mentions, and that it was forwarded.

use waproto::whatsapp as wa;
use wharf_api::ids::MediaId;
use wharf_api::types::message::{Marks, Quoted, Reference};

use super::content;

/// The marks of a message without its wrappers. `id` is the one that a file of it would have.
pub(super) fn of(base: &wa::Message, id: &MediaId) -> Marks {
    let Some(context) = context(base) else { return Marks::default() };
    let named = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let reply_to = named(&context.stanza_id).map(|whatsapp_id| Reference {
        message_id: None,
        whatsapp_id,
        from: named(&context.participant),
        chat: named(&context.remote_jid),
        quoted: context.quoted_message.as_option().and_then(|message| quoted(message, id)),
    });
    Marks { reply_to, mentions: context.mentioned_jid.clone(), forwarded: context.is_forwarded.unwrap_or_default(), ..Marks::default() }
}

/// What the answer shows of the message that it quotes. Changes are never quoted.
fn quoted(message: &wa::Message, id: &MediaId) -> Option<Quoted> {
    let content = content::of(message, id).ok().filter(|content| content.target().is_none())?;
    Some(Quoted { kind: content.kind().to_owned(), text: content.words().filter(|words| !words.is_empty()).map(str::to_owned) })
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
