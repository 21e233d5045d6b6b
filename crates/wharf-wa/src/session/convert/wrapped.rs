//! Messages in envelopes. WhatsApp makes new ones all the time, so that older clients ask for an update; what counts is what is inside.

use std::sync::Arc;

use wacore::types::events::InboundMessage;
use waproto::buffa::MessageField;
use waproto::whatsapp as wa;
use waproto::whatsapp::message::FutureProofMessage;

/// Envelopes stand in envelopes, and nobody makes more than a few.
const DEEPEST: usize = 12;

/// The message without its envelopes; what may be opened once stays in one that says so. `None` where there is nothing to open.
pub(in crate::session) fn opened(inbound: &InboundMessage) -> Option<InboundMessage> {
    let message = flat(&inbound.message)?;
    Some(InboundMessage::builder().message(Arc::new(message)).info(Arc::clone(&inbound.info)).build())
}

fn flat(message: &wa::Message) -> Option<wa::Message> {
    let (mut inner, mut once) = inside(message)?;
    let mut secrets = &message.message_context_info;
    for _ in 0..DEEPEST {
        if secrets.is_unset() {
            secrets = &inner.message_context_info;
        }
        let Some((next, is_once)) = inside(inner) else { break };
        (inner, once) = (next, once || is_once);
    }
    let (mut plain, secrets) = (inner.clone(), secrets.clone());
    if once {
        let envelope = FutureProofMessage { message: MessageField::some(plain) };
        plain = wa::Message { view_once_message: MessageField::some(envelope), ..Default::default() };
    }
    plain.message_context_info = secrets;
    Some(plain)
}

/// What is in the message's envelope, and whether that can be opened once.
fn inside(message: &wa::Message) -> Option<(&wa::Message, bool)> {
    macro_rules! first {
        ($once:literal: $($envelope:ident),+ $(,)?) => {
            $(if let Some(inner) = message.$envelope.as_option().and_then(|envelope| envelope.message.as_option()) {
                return Some((inner, $once));
            })+
        };
    }
    first!(true: view_once_message, view_once_message_v2, view_once_message_v2_extension);
    first!(
        false: device_sent_message,
        ephemeral_message,
        document_with_caption_message,
        edited_message,
        group_mentioned_message,
        bot_invoke_message,
        lottie_sticker_message,
        event_cover_image,
        poll_creation_option_image_message,
        associated_child_message,
        poll_creation_message_v4,
        status_add_yours,
        group_status_message,
        group_status_message_v2,
        bot_task_message,
        bot_forwarded_message,
        question_message,
        question_reply_message,
        newsletter_admin_profile_message,
        newsletter_admin_profile_message_v2,
        newsletter_admin_profile_status_message,
        spoiler_message,
        comment_message,
    );
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> wa::Message {
        wa::Message { conversation: Some("inside".to_owned()), ..Default::default() }
    }

    fn envelope(message: wa::Message) -> MessageField<FutureProofMessage> {
        MessageField::some(FutureProofMessage { message: MessageField::some(message) })
    }

    #[test]
    fn envelopes_are_opened_in_whatever_order_they_stand_and_the_outer_secret_is_kept() {
        let secret = |byte: u8| MessageField::some(wa::MessageContextInfo { message_secret: Some(vec![byte; 32]), ..Default::default() });
        let inner = wa::Message { message_context_info: secret(1), ..text() };
        let mentioned = wa::Message { group_mentioned_message: envelope(inner), ..Default::default() };
        let mut outer = wa::Message { ephemeral_message: envelope(mentioned), ..Default::default() };
        let found = flat(&outer).unwrap();
        assert_eq!((found.conversation.as_deref(), &found.message_context_info), (Some("inside"), &secret(1)));
        outer.message_context_info = secret(2);
        assert_eq!(flat(&outer).unwrap().message_context_info, secret(2));
        assert_eq!(flat(&text()), None);
    }

    #[test]
    fn what_can_be_opened_once_stays_so_and_endless_envelopes_end() {
        let once = wa::Message {
            bot_invoke_message: envelope(wa::Message { view_once_message_v2: envelope(text()), ..Default::default() }),
            ..Default::default()
        };
        let found = flat(&once).unwrap();
        assert_eq!(found.view_once_message.as_option().unwrap().message.as_option(), Some(&text()));
        let deep = (0..40).fold(text(), |message, _| wa::Message { spoiler_message: envelope(message), ..Default::default() });
        assert!(flat(&deep).unwrap().spoiler_message.is_set());
    }
}
