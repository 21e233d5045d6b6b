//! The audit log on the wire.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::ids::{AccountId, KeyId, UserId};

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A key of the account.
    Key,
    /// A user of the account, signed in.
    User,
    /// An operator's key or log-in, on an operation that is the operator's alone.
    Operator,
    /// The command line, on the machine itself.
    Cli,
    /// Somebody without a good key.
    Nobody,
}

impl Actor {
    pub const ALL: &'static [Self] = &[Self::Key, Self::User, Self::Operator, Self::Cli, Self::Nobody];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::User => "user",
            Self::Operator => "operator",
            Self::Cli => "cli",
            Self::Nobody => "nobody",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|actor| actor.as_str() == text)
    }
}

/// One entry: somebody changed something, or was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    pub at: Timestamp,
    pub actor: Actor,
    /// The key that was used. An account does not see an operator's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub key_id: Option<KeyId>,
    /// The user who was signed in. An account does not see an operator's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user_id: Option<UserId>,
    /// Where the request came from. An account does not see an operator's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<String>,
    /// The account that it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account_id: Option<AccountId>,
    /// The operation's id; `authenticate` for keys that were refused.
    pub action: String,
    /// The id or name that the request named.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<String>,
    /// The id of what was made.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub created: Option<String>,
    /// The code of the refusal; absent where it was done.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<String>,
    /// How often: above 1 only for refused keys, which are counted together.
    pub times: u64,
}
