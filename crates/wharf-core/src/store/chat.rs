//! What the message log tells about chats and people, and what is kept beside it: who of a group has a message, and how far a chat was read.

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, MessageId, SessionId};
use wharf_api::types::group::Group;

use super::{Error, Fence, MessageRow, Page, PageRequest, ReceiptKind};

/// A chat: its newest message, and how many came in since it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatRow {
    pub last: MessageRow,
    pub unread: u64,
    /// Of a group the name that was told last; else the one that whoever wrote there last gave itself.
    pub called: Option<String>,
    /// Of a group: since when the session is known not to be in it.
    pub left_at: Option<Timestamp>,
}

/// Somebody who was written to or who wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactRow {
    /// The id as WhatsApp writes it, by phone number where that is known.
    pub id: String,
    pub phone: Option<String>,
    pub lid: Option<String>,
    /// The name that the person gave itself, as it stood on the newest message that came in.
    pub name: Option<String>,
    pub last_message_at: Timestamp,
}

/// A receipt by one member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberReceipt {
    pub wa_id: String,
    pub member: Member,
    pub kind: ReceiptKind,
    pub at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    pub id: String,
    pub phone: Option<String>,
    pub lid: Option<String>,
}

/// How far a message has come with one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberState {
    pub member: Member,
    pub delivered_at: Option<Timestamp>,
    pub read_at: Option<Timestamp>,
    pub played_at: Option<Timestamp>,
}

/// What came in and was not read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unread {
    /// Oldest first; of very many only the newest.
    pub rows: Vec<MessageRow>,
    /// The number of the newest, for [`ChatStore::mark_read`].
    pub until: i64,
}

#[async_trait]
pub trait ChatStore {
    /// The chats of a session, the one with the newest message first.
    async fn list_chats(&self, account: &AccountId, session: &SessionId, page: PageRequest) -> Result<Page<ChatRow>, Error>;

    /// The messages of a chat (its id or phone number) that came in and were not read, at most `limit`.
    async fn unread(&self, account: &AccountId, session: &SessionId, chat: &str, limit: u32) -> Result<Unread, Error>;

    /// Notes that a chat was read up to the message with this number. Never goes back.
    async fn mark_read(&self, account: &AccountId, session: &SessionId, chat: &str, until: i64) -> Result<(), Error>;

    /// Keeps what groups are, in place of what they were.
    async fn keep_groups(&self, account: &AccountId, session: &SessionId, groups: &[Group]) -> Result<(), Error>;

    /// Those of these groups that were kept, in no order.
    async fn known_groups(&self, account: &AccountId, session: &SessionId, ids: &[String]) -> Result<Vec<Group>, Error>;

    /// The people of a session's messages, whoever wrote or was written to last first.
    async fn list_contacts(&self, account: &AccountId, session: &SessionId, page: PageRequest) -> Result<Page<ContactRow>, Error>;

    /// One of them, by phone number or LID.
    async fn find_contact(&self, account: &AccountId, session: &SessionId, person: &str) -> Result<Option<ContactRow>, Error>;

    /// Notes what members of groups have received or read, in one commit. The first of a kind counts. Gives the ids of those whose
    /// message is not there.
    async fn record_member_receipts(&self, fence: &Fence, receipts: &[MemberReceipt]) -> Result<Vec<String>, Error>;

    /// How far a message has come with each member that told, in the order of their ids.
    async fn member_states(&self, account: &AccountId, id: &MessageId) -> Result<Vec<MemberState>, Error>;
}
