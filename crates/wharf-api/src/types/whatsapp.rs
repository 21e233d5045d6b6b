//! What the gateway claims to be towards WhatsApp, and what it knows of what WhatsApp takes.

use serde::{Deserialize, Serialize};

use super::session::WaitingFor;
use crate::Timestamp;

/// Where a version's number comes from. The words are the wire names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionSource {
    /// The operator set it; nothing else counts then.
    Setting,
    /// It was built into the program.
    BuiltIn,
    /// WhatsApp's page tells it in the script of its worker.
    SwJs,
    /// WhatsApp's page tells it in itself.
    FrontPage,
    /// The address that the operator named tells it.
    VersionUrl,
}

impl VersionSource {
    pub const ALL: &'static [Self] = &[Self::Setting, Self::BuiltIn, Self::SwJs, Self::FrontPage, Self::VersionUrl];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Setting => "setting",
            Self::BuiltIn => "built_in",
            Self::SwJs => "sw_js",
            Self::FrontPage => "front_page",
            Self::VersionUrl => "version_url",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|source| source.as_str() == text)
    }
}

/// `GET /v1/admin/whatsapp`, as the process that answers sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Whatsapp {
    /// The version of WhatsApp Web that new connections claim, `2.3000.n`.
    pub claimed: String,
    pub source: VersionSource,
    /// When that number was known to be current.
    pub current_at: Timestamp,
    /// The version that WhatsApp's page told last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub served: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fetched_at: Option<Timestamp>,
    /// The highest version that WhatsApp refused: what is not above it does not come in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub refused: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub refused_at: Option<Timestamp>,
    /// When WhatsApp takes the claimed version no more, where it said so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<Timestamp>,
    /// When one of the sessions that wait tries whether it is let in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_try_at: Option<Timestamp>,
    pub waiting: Vec<SessionsWaiting>,
}

/// How many sessions of the process wait for one thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionsWaiting {
    #[serde(rename = "for")]
    pub waiting_for: WaitingFor,
    pub sessions: u64,
}

/// A version as it is written: only its last number moves.
pub fn spell(revision: u32) -> String {
    format!("2.3000.{revision}")
}

/// The last number of a version that is written like `2.3000.1045649367`.
pub fn parse(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("2.3000.")?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_as_it_is_written_and_nothing_else_is_one() {
        assert_eq!(parse(&spell(1_045_649_367)), Some(1_045_649_367));
        for text in ["", "auto", "2.3000.", "2.3000.x", "2.3000.+1", "2.3001.1", "1045649367", "2.3000.99999999999"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
