//! Why a queued message waits.

use serde::{Deserialize, Serialize};

/// Why a queued message waits although its session is connected. The words are the wire names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldReason {
    /// WhatsApp lets the account write only to people that it has written with before (463).
    ReachoutTimelock,
    /// WhatsApp lets the account begin no more new chats for now (475).
    NewChatLimit,
    /// WhatsApp asks the account to slow down (429 or 5xx).
    Overload,
    /// The operator has paused sending, or all connections.
    Pause,
    /// WhatsApp does not take this version of the client any more: the operator has to update.
    ClientUpdate,
    /// The plan lets the session write no faster.
    Pace,
}

impl HoldReason {
    pub const ALL: &'static [Self] =
        &[Self::ReachoutTimelock, Self::NewChatLimit, Self::Overload, Self::Pause, Self::ClientUpdate, Self::Pace];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReachoutTimelock => "reachout_timelock",
            Self::NewChatLimit => "new_chat_limit",
            Self::Overload => "overload",
            Self::Pause => "pause",
            Self::ClientUpdate => "client_update",
            Self::Pace => "pace",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.as_str() == text)
    }
}
