//! Chats on the wire.

use serde::{Deserialize, Serialize};

use super::message::{ChatName, Message};
use crate::Timestamp;

/// A chat: a person or a group, with its newest message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chat {
    #[serde(flatten)]
    pub named: ChatName,
    #[serde(rename = "type")]
    pub kind: ChatKind,
    /// How many messages came in since the chat was read.
    pub unread_count: u64,
    /// Of a group: since when the session is known not to be in it any more.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub left_at: Option<Timestamp>,
    pub last_message: Message,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatKind {
    Person,
    Group,
}

/// What a person does in a chat. The words are the wire names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TypingStatus {
    Typing,
    Recording,
    Paused,
}

impl TypingStatus {
    pub const WORDS: [&'static str; 3] = ["typing", "recording", "paused"];
}

/// Whether a person is shown as online. The words are the wire names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PresenceStatus {
    Available,
    Unavailable,
}

impl PresenceStatus {
    pub const WORDS: [&'static str; 2] = ["available", "unavailable"];
}

/// `POST /v1/chats/{chatId}/typing`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetTyping {
    pub session_id: String,
    pub status: TypingStatus,
}

/// What is shown in the chat, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TypingShown {
    pub status: TypingStatus,
    /// When it ends by itself; absent once it has been paused.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<Timestamp>,
}

/// `POST /v1/presence`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetPresence {
    pub session_id: String,
    pub status: PresenceStatus,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PresenceShown {
    pub status: PresenceStatus,
}

/// The answer to `POST /v1/chats/{chatId}/read`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatRead {
    /// How many messages were read with it.
    pub read: u64,
}
