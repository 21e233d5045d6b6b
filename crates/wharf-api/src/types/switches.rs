//! The operator's switches for WhatsApp on the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::Timestamp;

/// What can be switched off by itself. The words are the wire names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// Texts, in every chat.
    Texts,
    /// Files: images, videos, documents, audio, stickers.
    Media,
    Locations,
    /// Contact cards.
    Contacts,
    Polls,
    Reactions,
    Edits,
    /// Deleting for everyone.
    Deletions,
    /// Everything that goes to the status, whatever its kind.
    Status,
    /// Showing the account as online or not, and asking for the presence of others.
    Presence,
    Typing,
    /// Telling senders that messages were read.
    Receipts,
    /// Making and changing groups, joining and leaving them.
    GroupWrites,
    /// Asking which numbers are on WhatsApp, and for people and pictures. While it is off, messages go out unchecked.
    LookUps,
    /// Asking the phone for files that WhatsApp's servers have lost.
    MediaReupload,
    /// Taking the privacy tokens of existing chats from the history that the phone sends; from the next connection on.
    HistoryTokens,
    /// Linking accounts that WhatsApp asks for a passkey. While it is off, such an attempt ends at once; accounts without one link.
    Passkey,
}

impl Feature {
    pub const ALL: &'static [Self] = &[
        Self::Texts,
        Self::Media,
        Self::Locations,
        Self::Contacts,
        Self::Polls,
        Self::Reactions,
        Self::Edits,
        Self::Deletions,
        Self::Status,
        Self::Presence,
        Self::Typing,
        Self::Receipts,
        Self::GroupWrites,
        Self::LookUps,
        Self::MediaReupload,
        Self::HistoryTokens,
        Self::Passkey,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Texts => "texts",
            Self::Media => "media",
            Self::Locations => "locations",
            Self::Contacts => "contacts",
            Self::Polls => "polls",
            Self::Reactions => "reactions",
            Self::Edits => "edits",
            Self::Deletions => "deletions",
            Self::Status => "status",
            Self::Presence => "presence",
            Self::Typing => "typing",
            Self::Receipts => "receipts",
            Self::GroupWrites => "group_writes",
            Self::LookUps => "look_ups",
            Self::MediaReupload => "media_reupload",
            Self::HistoryTokens => "history_tokens",
            Self::Passkey => "passkey",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|feature| feature.as_str() == text)
    }
}

/// Where a feature's switch stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// It works, whatever WhatsApp refuses.
    On,
    /// Nobody can use it.
    Off,
    /// It works, and is marked as degraded where WhatsApp refuses it in several sessions.
    #[default]
    Auto,
}

impl Position {
    pub const ALL: &'static [Self] = &[Self::On, Self::Off, Self::Auto];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Auto => "auto",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|position| position.as_str() == text)
    }
}

/// One of the two things that can be paused for all sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    pub paused: bool,
    /// When the pause began.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since: Option<Timestamp>,
}

/// The switch of one feature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeatureSwitch {
    pub position: Position,
    /// When somebody set it; absent where nobody ever did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since: Option<Timestamp>,
    /// Since when WhatsApp refuses it in several sessions; until somebody sets the switch.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub degraded_since: Option<Timestamp>,
}

/// `GET /v1/admin/whatsapp/switches`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Switches {
    /// All connections of all sessions.
    pub connecting: Pause,
    /// Sending, on connections that stay.
    pub sending: Pause,
    /// Every feature.
    pub features: BTreeMap<Feature, FeatureSwitch>,
}

/// `PUT /v1/admin/whatsapp/switches`. What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PutSwitches {
    /// Whether all connections pause.
    #[serde(default)]
    pub connecting_paused: Option<bool>,
    /// Whether sending pauses.
    #[serde(default)]
    pub sending_paused: Option<bool>,
    /// Features and where their switches shall stand.
    #[serde(default, deserialize_with = "given")]
    pub features: BTreeMap<Feature, Position>,
}

/// Without those that are null: they are as absent as others.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<Feature, Position>, D::Error> {
    let all: Option<BTreeMap<Feature, Option<Position>>> = Option::deserialize(from)?;
    Ok(all.into_iter().flatten().filter_map(|(feature, position)| Some((feature, position?))).collect())
}
