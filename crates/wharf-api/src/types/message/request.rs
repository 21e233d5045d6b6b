//! What the operations on messages are asked.

use serde::{Deserialize, Serialize};

/// `POST /v1/messages/text`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SendText {
    pub session_id: String,
    /// A phone number in international format, or a group or LID id.
    pub to: String,
    /// 1 to 4096 characters.
    pub text: String,
    /// Answer as soon as the message is durable instead of waiting for WhatsApp.
    #[serde(rename = "async", default)]
    pub asynchronous: bool,
}
