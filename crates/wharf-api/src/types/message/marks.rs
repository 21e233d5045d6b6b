//! What stands on a message besides its content: what it answers, whom it mentions, what became of it. The aliases are how older programs
//! wrote it down.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::ids::MessageId;

/// Another message, by every name that is known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reference {
    /// Absent where Wharf does not have the message.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message_id: Option<MessageId>,
    pub whatsapp_id: String,
    /// Who wrote it, as WhatsApp writes ids; absent where nobody says.
    #[serde(rename = "fromId", alias = "from", skip_serializing_if = "Option::is_none", default)]
    pub from: Option<String>,
    /// The chat that it stands in, where that is another one: a reply in private, or to a status.
    #[serde(rename = "chatId", skip_serializing_if = "Option::is_none", default)]
    pub chat: Option<String>,
    /// What the answer shows of it, where Wharf does not have it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quoted: Option<Quoted>,
}

/// What an answer carries along of the message that it quotes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quoted {
    #[serde(rename = "type")]
    pub kind: String,
    /// Its words: a text, a caption, what a poll asks.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text: Option<String>,
}

/// One person's reaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reaction {
    /// Who reacted, as WhatsApp writes ids; absent where it was the session's own account.
    #[serde(rename = "fromId", alias = "from", skip_serializing_if = "Option::is_none", default)]
    pub from: Option<String>,
    pub emoji: String,
    pub at: Timestamp,
}

/// The marks of a message. Each is absent where there is nothing to say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Marks {
    /// What its sender's program calls it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reference: Option<String>,
    /// The message that this one quotes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reply_to: Option<Reference>,
    /// Whom it mentions, as WhatsApp writes ids.
    #[serde(rename = "mentionIds", alias = "mentions", skip_serializing_if = "Vec::is_empty", default)]
    pub mentions: Vec<String>,
    #[serde(skip_serializing_if = "is_false", default)]
    pub forwarded: bool,
    #[serde(skip_serializing_if = "is_false", default)]
    pub view_once: bool,
    /// An outgoing message that did not come through Wharf.
    #[serde(skip_serializing_if = "is_false", default)]
    pub from_other_device: bool,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub reactions: Vec<Reaction>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub edited_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub deleted_at: Option<Timestamp>,
    /// When an incoming message was marked as read through Wharf.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub read_at: Option<Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_false(flag: &bool) -> bool {
    !flag
}
