//! What the rules ask about groups. Everything here is WhatsApp's own state: nothing of it is kept.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use wharf_api::ids::SessionId;
use wharf_api::types::group::{Group, GroupRequest, JoinedGroup, ParticipantResult};

use super::Error;

/// What is done to people of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    Add,
    Remove,
    Promote,
    Demote,
    /// Lets somebody in who asked.
    Approve,
    Reject,
}

/// One change of what a group is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GroupEdit {
    Subject(String),
    /// `None` takes it away.
    Description(Option<String>),
    Announcement(bool),
    Locked(bool),
    ApprovalRequired(bool),
    MembersCanAdd(bool),
    /// 0 keeps messages.
    DisappearingSeconds(u32),
}

/// Groups, as one session sees and changes them. `group` and people are ids as WhatsApp writes them. A group that is not
/// there, or that the session is not in, is [`Error::NotFound`]; what only an admin may do is [`Error::Conflict`].
#[async_trait]
pub trait GroupEngine: Send + Sync + 'static {
    async fn create_group(&self, _: &SessionId, _subject: &str, _people: &[String], _description: Option<&str>) -> Result<Group, Error> {
        Err(Error::NotConnected)
    }

    async fn groups(&self, _: &SessionId) -> Result<Vec<Group>, Error> {
        Err(Error::NotConnected)
    }

    async fn group(&self, _: &SessionId, _group: &str) -> Result<Group, Error> {
        Err(Error::NotConnected)
    }

    async fn edit_group(&self, _: &SessionId, _group: &str, _edits: Vec<GroupEdit>) -> Result<(), Error> {
        Err(Error::NotConnected)
    }

    /// One result per person, in the order of `people`.
    async fn act_on_people(&self, _: &SessionId, _group: &str, _act: Act, _people: &[String]) -> Result<Vec<ParticipantResult>, Error> {
        Err(Error::NotConnected)
    }

    /// No bytes take the picture away. Tells the new picture's id.
    async fn set_group_picture(&self, _: &SessionId, _group: &str, _jpeg: Option<Vec<u8>>) -> Result<Option<String>, Error> {
        Err(Error::NotConnected)
    }

    /// The invite code; `renew` replaces it first.
    async fn group_invite(&self, _: &SessionId, _group: &str, _renew: bool) -> Result<String, Error> {
        Err(Error::NotConnected)
    }

    async fn join_group(&self, _: &SessionId, _code: &str) -> Result<JoinedGroup, Error> {
        Err(Error::NotConnected)
    }

    async fn leave_group(&self, _: &SessionId, _group: &str) -> Result<(), Error> {
        Err(Error::NotConnected)
    }

    async fn group_requests(&self, _: &SessionId, _group: &str) -> Result<Vec<GroupRequest>, Error> {
        Err(Error::NotConnected)
    }
}
