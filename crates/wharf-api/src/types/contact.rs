//! Contacts on the wire.

use serde::{Deserialize, Serialize};

/// `POST /v1/contacts/check`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckContacts {
    pub session_id: String,
    /// 1 to 50 phone numbers in international format.
    pub phones: Vec<String>,
}

/// Whether one number is on WhatsApp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckedContact {
    /// The number as it was asked.
    pub phone: String,
    pub on_whatsapp: bool,
    /// The chat id, where there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lid: Option<String>,
}
