//! The quick start on the wire: two requests in the words of the published tutorial.

use serde::{Deserialize, Serialize};

use crate::ids::SessionId;

/// `POST /api/whatsapp/sessions`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QuickSession {
    /// What people call it; 1 to 100 characters.
    pub name: String,
    /// Where all its events are delivered.
    #[serde(default)]
    pub webhook: Option<String>,
}

/// The session that the quick start created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QuickSessionCreated {
    pub session_id: SessionId,
    /// A PNG as a data URL; null where no code came in time.
    pub qr_code: Option<String>,
}

/// `POST /api/whatsapp/sessions/{sessionId}/messages`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QuickMessage {
    /// A phone number in international format, or a group or LID id.
    pub to: String,
    /// 1 to 4096 characters.
    pub message: String,
}
