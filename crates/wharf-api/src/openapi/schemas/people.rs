//! People and chats, asked and answered.

use serde_json::Value;

use crate::openapi::schema::{Member, about, always, answer, boolean, integer, maybe, reference, request, session_id, text, time, word};
use crate::types::chat::{PresenceStatus, TypingStatus};

pub(super) fn contact() -> Value {
    answer(vec![
        always("contactId", about(text(), "The id as WhatsApp writes it.")),
        maybe("phoneNumber", text()),
        maybe("lid", text()),
        maybe("name", about(text(), "The name that the person gave itself.")),
        maybe("lastMessageAt", time()),
        maybe("onWhatsapp", about(boolean(), "This and the following only where one contact is asked for.")),
        maybe("about", text()),
        maybe("pictureId", text()),
        maybe("business", boolean()),
    ])
}

pub(super) fn picture() -> Value {
    answer(vec![always("pictureId", text()), always("url", about(text(), "Works for a while only."))])
}

pub(super) fn blocked() -> Value {
    answer(vec![always("contactId", text()), always("blocked", boolean())])
}

pub(super) fn presence() -> Value {
    answer(vec![
        maybe("status", about(word(PresenceStatus::WORDS), "Absent where nothing was told yet.")),
        maybe("lastSeenAt", time()),
        maybe("typing", about(word(TypingStatus::WORDS), "What the person does in the chat with this session.")),
    ])
}

/// A chat by every name that is known of it.
fn names() -> Vec<Member> {
    vec![
        always("chatId", about(text(), "The id as WhatsApp writes it.")),
        maybe("phoneNumber", text()),
        maybe("lid", text()),
        maybe("name", about(text(), "The name that a person gave itself, or a group's subject.")),
    ]
}

pub(super) fn chat_name() -> Value {
    answer(names())
}

pub(super) fn chat() -> Value {
    let mut members = names();
    members.extend([
        always("type", word(["person", "group"])),
        always("unreadCount", about(integer(0, None), "How many messages came in since the chat was read.")),
        maybe("leftAt", about(time(), "Of a group: since when the session is known not to be in it.")),
        always("lastMessage", reference("Message")),
    ]);
    answer(members)
}

pub(super) fn chat_read() -> Value {
    answer(vec![always("read", about(integer(0, None), "How many messages were read with it."))])
}

pub(super) fn set_typing() -> Value {
    request(vec![always("sessionId", session_id()), always("status", word(TypingStatus::WORDS))])
}

pub(super) fn typing_shown() -> Value {
    answer(vec![
        always("status", word(TypingStatus::WORDS)),
        maybe("expiresAt", about(time(), "When it ends by itself; absent once it has been paused.")),
    ])
}

pub(super) fn set_presence() -> Value {
    request(vec![always("sessionId", session_id()), always("status", word(PresenceStatus::WORDS))])
}

pub(super) fn presence_shown() -> Value {
    answer(vec![always("status", word(PresenceStatus::WORDS))])
}
