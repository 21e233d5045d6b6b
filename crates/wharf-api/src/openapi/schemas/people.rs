//! People and chats, asked and answered.

use serde_json::Value;

use crate::openapi::schema::{
    Member, about, always, answer, boolean, contact_id, integer, lid, maybe, phone_digits, reference, request, session_id, text, time, word,
};
use crate::types::chat::{PresenceStatus, TypingStatus};

pub(super) fn contact() -> Value {
    answer(vec![
        always("contactId", about(text(), "The id as WhatsApp writes it.")),
        maybe("phoneNumber", phone_digits()),
        maybe("lid", lid()),
        maybe("name", about(text(), "The name that the person gave itself.")),
        maybe("lastMessageAt", about(time(), "When a message came from the person or went there last; absent where there was none.")),
        maybe("onWhatsapp", about(boolean(), "This and the following only where one contact is asked for.")),
        maybe("about", about(text(), "What the person says of itself under its name; absent where WhatsApp does not show it.")),
        maybe("pictureId", about(text(), "Changes with the picture; absent where there is none, or where it is not shown.")),
        maybe("business", about(boolean(), "Whether it is a business account.")),
    ])
}

pub(super) fn picture() -> Value {
    answer(vec![
        always("pictureId", about(text(), "Changes with the picture.")),
        always("url", about(text(), "Where WhatsApp serves it; works for a while only.")),
    ])
}

pub(super) fn blocked() -> Value {
    answer(vec![always("contactId", contact_id()), always("blocked", about(boolean(), "Whether the person is blocked now."))])
}

pub(super) fn presence() -> Value {
    answer(vec![
        maybe("status", about(word(PresenceStatus::WORDS), "Absent where nothing was told yet.")),
        maybe("lastSeenAt", about(time(), "When the person was online last; absent where WhatsApp does not tell.")),
        maybe("typing", about(word(TypingStatus::WORDS), "What the person does in the chat with this session.")),
    ])
}

/// A chat by every name that is known of it.
fn names() -> Vec<Member> {
    vec![
        always("chatId", about(text(), "The id as WhatsApp writes it.")),
        maybe("phoneNumber", phone_digits()),
        maybe("lid", lid()),
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
        always("lastMessage", about(reference("Message"), "The newest one, whoever wrote it.")),
    ]);
    answer(members)
}

pub(super) fn chat_read() -> Value {
    answer(vec![always("read", about(integer(0, None), "How many messages were read with it."))])
}

pub(super) fn set_typing() -> Value {
    let status = about(word(TypingStatus::WORDS), "What the person in the chat sees; `paused` ends it.");
    request(vec![always("sessionId", session_id()), always("status", status)])
}

pub(super) fn typing_shown() -> Value {
    answer(vec![
        always("status", word(TypingStatus::WORDS)),
        maybe("expiresAt", about(time(), "When it ends by itself; absent once it has been paused.")),
    ])
}

pub(super) fn set_presence() -> Value {
    let status = about(word(PresenceStatus::WORDS), "Whether the account is shown as online.");
    request(vec![always("sessionId", session_id()), always("status", status)])
}

pub(super) fn presence_shown() -> Value {
    answer(vec![always("status", word(PresenceStatus::WORDS))])
}
