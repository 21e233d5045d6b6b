//! The update notice on the wire.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// How the release that runs stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is the newest, or newer.
    Current,
    /// There is a newer one.
    Outdated,
    /// It is older than the oldest that is safe.
    Unsafe,
}

impl Standing {
    pub const ALL: &'static [Self] = &[Self::Current, Self::Outdated, Self::Unsafe];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Outdated => "outdated",
            Self::Unsafe => "unsafe",
        }
    }
}

/// `GET /v1/admin/whatsapp/update-notice`. What the last notice said is absent where there was none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateNotice {
    /// Whether somebody asks once a day.
    pub checks: bool,
    /// The release that runs.
    pub running: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub standing: Option<Standing>,
    /// The newest release.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub newest: Option<String>,
    /// The oldest release that is safe.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub oldest_safe: Option<String>,
    /// The oldest version of WhatsApp Web that is known to be let in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub floor: Option<String>,
    /// A version of WhatsApp Web that is let in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub web_version: Option<String>,
    /// A sentence for operators.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub notes: Option<String>,
    /// When it was fetched.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fetched_at: Option<Timestamp>,
}
