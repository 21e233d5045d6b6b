//! What a message says.

use serde::{Deserialize, Serialize, Serializer};

use super::Reference;
use crate::types::media::{MediaContent, MediaKind};

/// What a message says, by its `type`. The last five kinds are changes: they say something about another message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Content {
    Text {
        text: String,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        link_preview: Option<LinkPreview>,
    },
    Location {
        #[serde(serialize_with = "degrees")]
        latitude: f64,
        #[serde(serialize_with = "degrees")]
        longitude: f64,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        name: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        address: Option<String>,
    },
    Contact {
        contacts: Vec<ContactCard>,
    },
    Poll {
        question: String,
        options: Vec<String>,
        /// How many options one person may choose; 0 for any number.
        selectable_count: u32,
        /// The votes so far, in the order of the options.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        results: Vec<PollResult>,
    },
    Image(MediaContent),
    Video(MediaContent),
    Document(MediaContent),
    Audio(MediaContent),
    Sticker(MediaContent),
    /// It was deleted for everyone.
    Deleted {},
    /// It came and could not be decrypted yet; the sender is asked for it again.
    Undecryptable {},
    /// A kind that this version shows only by its name.
    Unsupported {
        /// Rows of older programs have it as `kind`.
        #[serde(rename = "originalType", alias = "kind")]
        kind: String,
        /// What it says in words, where it says something.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        text: Option<String>,
    },
    Reaction {
        /// Empty where a reaction was taken back.
        emoji: String,
        target: Reference,
    },
    PollVote {
        /// What is chosen now; empty where the vote was taken back.
        options: Vec<String>,
        target: Reference,
    },
    Edit {
        text: String,
        target: Reference,
    },
    Deletion {
        target: Reference,
    },
}

impl Content {
    /// A message of which nothing is shown but its kind.
    pub fn unsupported(kind: impl Into<String>) -> Self {
        Self::Unsupported { kind: kind.into(), text: None }
    }

    /// The wire names of the kinds.
    pub const TYPES: &'static [&'static str] = &[
        "text",
        "location",
        "contact",
        "poll",
        "image",
        "video",
        "document",
        "audio",
        "sticker",
        "deleted",
        "undecryptable",
        "unsupported",
        "reaction",
        "poll_vote",
        "edit",
        "deletion",
    ];

    /// The wire name of its kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Location { .. } => "location",
            Self::Contact { .. } => "contact",
            Self::Poll { .. } => "poll",
            Self::Image(_) => "image",
            Self::Video(_) => "video",
            Self::Document(_) => "document",
            Self::Audio(_) => "audio",
            Self::Sticker(_) => "sticker",
            Self::Deleted {} => "deleted",
            Self::Undecryptable {} => "undecryptable",
            Self::Unsupported { .. } => "unsupported",
            Self::Reaction { .. } => "reaction",
            Self::PollVote { .. } => "poll_vote",
            Self::Edit { .. } => "edit",
            Self::Deletion { .. } => "deletion",
        }
    }

    /// What it says in words, where it does.
    pub fn words(&self) -> Option<&str> {
        match self {
            Self::Text { text, .. } | Self::Edit { text, .. } => Some(text),
            Self::Location { name, address, .. } => name.as_deref().or(address.as_deref()),
            Self::Contact { contacts } => contacts.first().map(|card| card.name.as_str()),
            Self::Poll { question, .. } => Some(question),
            Self::Image(media) | Self::Video(media) | Self::Document(media) => media.caption.as_deref().or(media.file_name.as_deref()),
            Self::Unsupported { text, .. } => text.as_deref(),
            Self::Reaction { emoji, .. } => Some(emoji),
            Self::Audio(_)
            | Self::Sticker(_)
            | Self::Deleted {}
            | Self::Undecryptable {}
            | Self::PollVote { .. }
            | Self::Deletion { .. } => None,
        }
    }

    /// Whether its words have these in them, letter case included: a text, a caption, a name, a place, a question.
    pub fn says(&self, words: &str) -> bool {
        let written = serde_json::to_value(self).unwrap_or_default();
        let members = ["text", "caption", "fileName", "name", "address", "question"];
        members.iter().filter_map(|member| written[*member].as_str()).any(|text| text.contains(words))
    }

    /// A text without a preview.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), link_preview: None }
    }

    /// The file of the message.
    pub fn media(&self) -> Option<&MediaContent> {
        match self {
            Self::Image(media) | Self::Video(media) | Self::Document(media) | Self::Audio(media) | Self::Sticker(media) => Some(media),
            _ => None,
        }
    }

    pub const fn media_kind(&self) -> Option<MediaKind> {
        match self {
            Self::Image(_) => Some(MediaKind::Image),
            Self::Video(_) => Some(MediaKind::Video),
            Self::Document(_) => Some(MediaKind::Document),
            Self::Audio(_) => Some(MediaKind::Audio),
            Self::Sticker(_) => Some(MediaKind::Sticker),
            _ => None,
        }
    }

    pub fn media_mut(&mut self) -> Option<&mut MediaContent> {
        match self {
            Self::Image(media) | Self::Video(media) | Self::Document(media) | Self::Audio(media) | Self::Sticker(media) => Some(media),
            _ => None,
        }
    }

    /// The message that this one changes.
    pub fn target(&self) -> Option<&Reference> {
        match self {
            Self::Reaction { target, .. } | Self::PollVote { target, .. } | Self::Edit { target, .. } | Self::Deletion { target } => {
                Some(target)
            }
            _ => None,
        }
    }

    pub fn target_mut(&mut self) -> Option<&mut Reference> {
        match self {
            Self::Reaction { target, .. } | Self::PollVote { target, .. } | Self::Edit { target, .. } | Self::Deletion { target } => {
                Some(target)
            }
            _ => None,
        }
    }
}

impl MediaKind {
    /// The content of a message with a file of this kind.
    pub fn content(self, media: MediaContent) -> Content {
        match self {
            Self::Image => Content::Image(media),
            Self::Video => Content::Video(media),
            Self::Document => Content::Document(media),
            Self::Audio => Content::Audio(media),
            Self::Sticker => Content::Sticker(media),
        }
    }
}

/// Degrees as JavaScript writes them, whole ones without a fraction: who verifies a delivery by what it parsed and wrote again has the
/// bytes that were signed.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands the member by reference")]
#[expect(clippy::cast_possible_truncation, reason = "no degrees are beyond 180, and a number that is too large is written as it is")]
fn degrees<S: Serializer>(degrees: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    let whole = *degrees as i32;
    if f64::from(whole).to_bits() == (degrees + 0.0).to_bits() {
        serializer.serialize_i32(whole)
    } else {
        serializer.serialize_f64(*degrees)
    }
}

/// What a link in a text is shown as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LinkPreview {
    /// Stands in the text.
    pub url: String,
    pub title: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub description: Option<String>,
}

/// A person as an address book shows one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContactCard {
    pub name: String,
    #[serde(alias = "phones")]
    pub phone_numbers: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub organization: Option<String>,
}

/// Who chose one option of a poll.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollResult {
    pub option: String,
    pub votes: u32,
    /// The voters' ids as WhatsApp writes them.
    #[serde(rename = "voterIds", alias = "voters")]
    pub voters: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_are_written_as_javascript_writes_them_and_read_as_they_were() {
        for (degrees, written) in
            [(12.0, "12"), (-180.0, "-180"), (0.0, "0"), (-0.0, "0"), (52.5163, "52.5163"), (-0.5, "-0.5"), (1e300, "1e+300")]
        {
            let place = Content::Location { latitude: degrees, longitude: 1.5, name: None, address: None };
            let text = serde_json::to_string(&place).unwrap();
            assert_eq!(text, format!(r#"{{"type":"location","latitude":{written},"longitude":1.5}}"#));
            assert_eq!(serde_json::from_str::<Content>(&text).unwrap(), place);
        }
    }
}
