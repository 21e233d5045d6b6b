//! What WhatsApp asked a session to leave alone for a while, as stored: a restart must not begin to knock anew.

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, SessionId};
use wharf_api::types::hold::HoldReason;

use super::{Error, Fence};

/// What is held back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Held {
    /// One chat, by its id.
    Chat(String),
    /// Everybody whom the session has not written with yet.
    FirstContacts,
    Session,
}

impl Held {
    /// The chat, where it is one.
    pub fn chat(&self) -> Option<&str> {
        match self {
            Self::Chat(chat) => Some(chat),
            Self::FirstContacts | Self::Session => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldRow {
    pub what: Held,
    pub until: Timestamp,
    pub reason: HoldReason,
    /// Refusals in a row.
    pub times: u32,
}

#[async_trait]
pub trait HoldStore {
    /// Holds something back, or holds it back anew.
    async fn put_hold(&self, fence: &Fence, hold: &HoldRow) -> Result<(), Error>;

    /// Lets it go.
    async fn lift_hold(&self, fence: &Fence, what: &Held) -> Result<(), Error>;

    /// Everything that the session holds back, also where the time is over and nobody has tried yet.
    async fn list_holds(&self, session: &SessionId) -> Result<Vec<HoldRow>, Error>;

    /// What may hold the chat back: its own hold, that of first contacts, that of the session.
    async fn holds_on(&self, session: &SessionId, chat: &str) -> Result<Vec<HoldRow>, Error>;

    /// The session writes to somebody for the first time. What was noted before `forget_before` is forgotten.
    async fn begin_contact(&self, fence: &Fence, chat: &str, at: Timestamp, forget_before: Timestamp) -> Result<(), Error>;

    /// Whom the session wrote to first since then, oldest first.
    async fn contacts_begun(&self, session: &SessionId, since: Timestamp) -> Result<Vec<(String, Timestamp)>, Error>;

    /// Those of the chats that the session has written with before: something came in, or the network took something.
    async fn known_chats(&self, account: &AccountId, session: &SessionId, chats: &[String]) -> Result<Vec<String>, Error>;
}
