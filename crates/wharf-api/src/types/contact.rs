//! Contacts on the wire.

use serde::{Deserialize, Serialize};

use super::chat::{PresenceStatus, TypingStatus};
use crate::Timestamp;

/// `POST /v1/contacts/check`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckContacts {
    pub session_id: String,
    /// 1 to 50 phone numbers in international format.
    pub phone_numbers: Vec<String>,
}

/// Whether one number is on WhatsApp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckedContact {
    /// The number as it was asked.
    pub phone_number: String,
    pub on_whatsapp: bool,
    /// The id as WhatsApp writes it, where there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub contact_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lid: Option<String>,
}

/// Somebody who was written to or who wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    /// The id as WhatsApp writes it, by phone number where that is known.
    pub contact_id: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lid: Option<String>,
    /// The name that the person gave itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_message_at: Option<Timestamp>,
    /// The rest only where one contact is asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub on_whatsapp: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub about: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub picture_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub business: Option<bool>,
}

/// A picture, where WhatsApp keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Picture {
    pub picture_id: String,
    /// Works for a while only.
    pub url: String,
}

/// Whether somebody is blocked now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Blocked {
    pub contact_id: String,
    pub blocked: bool,
}

/// What WhatsApp told of a person's presence since it was asked first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Presence {
    /// Absent where nothing was told yet.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<PresenceStatus>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_seen_at: Option<Timestamp>,
    /// What the person does in the chat with this session.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub typing: Option<TypingStatus>,
}
