//! What the rules ask about people and chats. Everything here is WhatsApp's own state: nothing of it is kept.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use wharf_api::ids::SessionId;
use wharf_api::types::chat::{PresenceStatus, TypingStatus};
use wharf_api::types::contact::{Picture, Presence};
use wharf_api::types::message::Party;

use super::Error;

/// What WhatsApp tells about one person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonInfo {
    pub on_whatsapp: bool,
    pub phone: Option<String>,
    pub lid: Option<String>,
    /// `None` where there is none or it is not shown.
    pub about: Option<String>,
    pub picture_id: Option<String>,
    pub business: bool,
}

/// People and chats, as one session sees them. `person` and `chat` are ids as WhatsApp writes them.
#[async_trait]
pub trait PeopleEngine: Send + Sync + 'static {
    async fn person(&self, _: &SessionId, _person: &str) -> Result<PersonInfo, Error> {
        Err(Error::NotConnected)
    }

    /// The number behind a LID, where the session has learned it. Nobody is asked.
    async fn phone_of(&self, _: &SessionId, _lid: &str) -> Result<Option<String>, Error> {
        Ok(None)
    }

    /// The picture of a person or a group; `None` where there is none or it is not shown.
    async fn picture(&self, _: &SessionId, _of: &str, _preview: bool) -> Result<Option<Picture>, Error> {
        Err(Error::NotConnected)
    }

    async fn set_blocked(&self, _: &SessionId, _person: &str, _blocked: bool) -> Result<(), Error> {
        Err(Error::NotConnected)
    }

    async fn blocked(&self, _: &SessionId) -> Result<Vec<Party>, Error> {
        Err(Error::NotConnected)
    }

    /// Tells a sender that messages of a chat were read. `sender` is named in groups only.
    async fn tell_read(&self, _: &SessionId, _chat: &str, _sender: Option<&str>, _wa_ids: &[String]) -> Result<(), Error> {
        Err(Error::NotConnected)
    }

    /// Shows in a chat what the session's person does. It ends by itself after a while.
    async fn show_typing(&self, _: &SessionId, _chat: &str, _state: TypingStatus) -> Result<(), Error> {
        Err(Error::NotConnected)
    }

    async fn set_presence(&self, _: &SessionId, _state: PresenceStatus) -> Result<(), Error> {
        Err(Error::NotConnected)
    }

    /// Asks to be told of a person's presence, and answers what was told so far.
    async fn presence(&self, _: &SessionId, _person: &str) -> Result<Presence, Error> {
        Err(Error::NotConnected)
    }
}
