//! What the operations on messages are asked.

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{ContactCard, LinkPreview};

/// `POST /v1/messages/text`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SendText {
    pub session_id: String,
    /// A phone number in international format, a group or LID id, or `status`.
    pub to: String,
    /// Of a status: the phone numbers or LIDs of those whom it is for, 1 to 1024.
    #[serde(skip_serializing_if = "Vec::is_empty", default, deserialize_with = "crate::types::or_default")]
    pub audience: Vec<String>,
    /// Of a status: what the text stands on, `#RRGGBB`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub background_color: Option<String>,
    /// 1 to 4096 characters.
    pub text: String,
    /// The message that this one answers, of the same chat.
    #[serde(default)]
    pub reply_to: Option<String>,
    /// Phone numbers or LIDs. Who reads the text sees a name where `@` and the digits stand in it.
    #[serde(default, deserialize_with = "crate::types::or_default")]
    pub mentions: Vec<String>,
    #[serde(default, deserialize_with = "crate::types::or_default")]
    pub link_preview: PreviewChoice,
    /// Answer as soon as the message is durable instead of waiting for WhatsApp.
    #[serde(rename = "async", default, deserialize_with = "crate::types::or_default")]
    pub asynchronous: bool,
    /// The caller's own name for the message: it stands on it from then on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reference: Option<String>,
    /// Say what would happen, and send and count nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not", default, deserialize_with = "crate::types::or_default")]
    pub dry_run: bool,
}

impl SendText {
    /// A text that carries nothing else.
    pub fn plain(session_id: impl Into<String>, to: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            session_id: session_id.into(),
            to: to.into(),
            audience: Vec::new(),
            background_color: None,
            text: text.into(),
            reply_to: None,
            mentions: Vec::new(),
            link_preview: PreviewChoice::default(),
            asynchronous: false,
            reference: None,
            dry_run: false,
        }
    }
}

/// `POST /v1/messages/location`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SendLocation {
    pub session_id: String,
    pub to: String,
    /// Degrees, north positive.
    pub latitude: f64,
    /// Degrees, east positive.
    pub longitude: f64,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub address: Option<String>,
    #[serde(default)]
    pub reply_to: Option<String>,
    #[serde(rename = "async", default, deserialize_with = "crate::types::or_default")]
    pub asynchronous: bool,
    /// The caller's own name for the message: it stands on it from then on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reference: Option<String>,
    /// Say what would happen, and send and count nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not", default, deserialize_with = "crate::types::or_default")]
    pub dry_run: bool,
}

/// `POST /v1/messages/contact`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SendContact {
    pub session_id: String,
    pub to: String,
    pub contacts: Vec<ContactCard>,
    #[serde(default)]
    pub reply_to: Option<String>,
    #[serde(rename = "async", default, deserialize_with = "crate::types::or_default")]
    pub asynchronous: bool,
    /// The caller's own name for the message: it stands on it from then on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reference: Option<String>,
    /// Say what would happen, and send and count nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not", default, deserialize_with = "crate::types::or_default")]
    pub dry_run: bool,
}

/// `POST /v1/messages/poll`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SendPoll {
    pub session_id: String,
    pub to: String,
    pub question: String,
    pub options: Vec<String>,
    /// How many options one person may choose; 0 for any number.
    #[serde(default = "one", deserialize_with = "or_one")]
    pub selectable_count: u32,
    #[serde(default)]
    pub reply_to: Option<String>,
    #[serde(rename = "async", default, deserialize_with = "crate::types::or_default")]
    pub asynchronous: bool,
    /// The caller's own name for the message: it stands on it from then on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reference: Option<String>,
    /// Say what would happen, and send and count nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not", default, deserialize_with = "crate::types::or_default")]
    pub dry_run: bool,
}

const fn one() -> u32 {
    1
}

fn or_one<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_else(one))
}

/// `POST /v1/messages/reaction`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SendReaction {
    pub message_id: String,
    /// One emoji; empty takes the reaction back.
    pub emoji: String,
    #[serde(rename = "async", default, deserialize_with = "crate::types::or_default")]
    pub asynchronous: bool,
    /// The caller's own name for the message: it stands on it from then on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reference: Option<String>,
    /// Say what would happen, and send and count nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not", default, deserialize_with = "crate::types::or_default")]
    pub dry_run: bool,
}

/// `POST /v1/messages/{messageId}/forward`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForwardMessage {
    pub to: String,
    #[serde(rename = "async", default, deserialize_with = "crate::types::or_default")]
    pub asynchronous: bool,
    /// The caller's own name for the message: it stands on it from then on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reference: Option<String>,
    /// Say what would happen, and send and count nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not", default, deserialize_with = "crate::types::or_default")]
    pub dry_run: bool,
}

/// `PATCH /v1/messages/{messageId}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EditMessage {
    pub text: String,
}

/// Whether and how a link is shown: a boolean, or what it is shown as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum PreviewChoice {
    Switch(bool),
    Given(LinkPreview),
}

impl Default for PreviewChoice {
    fn default() -> Self {
        Self::Switch(false)
    }
}

impl<'de> Deserialize<'de> for PreviewChoice {
    /// By hand: an untagged enum would not say which of its members is wrong.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Choice;

        impl<'de> Visitor<'de> for Choice {
            type Value = PreviewChoice;

            fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                to.write_str("a boolean or an object")
            }

            fn visit_bool<E>(self, switch: bool) -> Result<Self::Value, E> {
                Ok(PreviewChoice::Switch(switch))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                LinkPreview::deserialize(MapAccessDeserializer::new(map)).map(PreviewChoice::Given)
            }
        }

        from.deserialize_any(Choice)
    }
}
