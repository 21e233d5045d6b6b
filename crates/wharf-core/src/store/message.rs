//! Messages as stored, from acceptance to the last receipt.
//!
//! Whenever a message reaches a status, the store writes a step of its time line and the events that
//! [`crate::message::events_of`] makes of the row, in the same commit.

use std::time::Duration;

use async_trait::async_trait;
use wharf_api::ids::{AccountId, MediaId, MessageId, SessionId};
use wharf_api::types::message::{Content, Direction, Marks, MessageStatus, TimelineEntry};
use wharf_api::{ErrorCode, Timestamp};

use super::{Claim, Error, Fence, NewFetch, Page, PageRequest, VaultOp};

#[derive(Clone, Debug, PartialEq)]
pub struct MessageRow {
    pub id: MessageId,
    pub account: AccountId,
    pub session: SessionId,
    /// The id on the wire, chosen before the first try and never changed.
    pub wa_id: String,
    pub direction: Direction,
    pub status: MessageStatus,
    /// The chat's id as WhatsApp writes it; its phone number and LID where known.
    pub chat: String,
    pub chat_phone: Option<String>,
    pub chat_lid: Option<String>,
    /// Incoming only: who wrote it.
    pub sender: Option<String>,
    pub sender_phone: Option<String>,
    pub sender_lid: Option<String>,
    pub sender_name: Option<String>,
    pub content: Content,
    pub marks: Marks,
    pub error: Option<ErrorCode>,
    pub error_reason: Option<String>,
    pub created_at: Timestamp,
}

/// A message to be accepted: the row, the frozen bytes, its place in the day's quota, its claim, all in one commit.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMessage {
    pub row: MessageRow,
    /// What is encrypted at every try: the plaintext with its message secret, sealed by the engine.
    pub payload: Vec<u8>,
    /// Of a status: whom it is for, as WhatsApp writes ids.
    pub audience: Vec<String>,
    pub expires_at: Timestamp,
    /// The plan's limit for the UTC day of `row.created_at`.
    pub daily_limit: Option<u64>,
    pub claim: Option<Claim>,
    /// The file that it sends, and until when that is kept for it.
    pub keeps: Option<(MediaId, Timestamp)>,
    /// Its first try is counted with it: whoever accepts it sends it at once.
    pub claimed: bool,
}

/// What became of a message that was to be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    Now,
    /// This many messages were accepted today, and the plan allows no more. Nothing was counted.
    DailyLimit {
        used: u64,
    },
    /// The idempotency key was claimed before. Nothing was created or counted.
    ClaimedBefore,
    /// The session is deleted. Nothing was created, counted or claimed.
    NoSession,
}

/// What one commit has removed of an account's old messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    pub messages: u64,
    /// Where to go on; `None` where what follows is younger, or nothing follows.
    pub next: Option<i64>,
}

/// An accepted message that the engine is to put on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    pub id: MessageId,
    pub wa_id: String,
    pub chat: String,
    pub payload: Vec<u8>,
    /// Of a status: whom it is for, as WhatsApp writes ids.
    pub audience: Vec<String>,
    /// How often it was put on the wire before.
    pub attempts: u32,
    pub accepted_at: Timestamp,
    pub expires_at: Timestamp,
}

/// How a try ended for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// WhatsApp's server acknowledged it.
    Sent,
    /// It did not go, and will not.
    Failed { code: ErrorCode, reason: String },
    /// It is given up, and may have arrived: a receipt that comes later corrects it.
    Unknown { code: ErrorCode, reason: String },
}

impl Outcome {
    /// A failure; `doubtful` where a try may have reached WhatsApp, which the reason then says.
    pub fn failure(code: ErrorCode, reason: &str, doubtful: bool) -> Self {
        if doubtful {
            let reason = format!("{reason}; {MAY_HAVE_ARRIVED}");
            return Self::Unknown { code, reason };
        }
        Self::Failed { code, reason: reason.to_owned() }
    }
}

/// What the reason of an unknown end says.
pub const MAY_HAVE_ARRIVED: &str = "it may have arrived, and a receipt would correct this: do not send it again as a new message";

/// A status that the store is to record for one outgoing message.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusChange {
    pub id: MessageId,
    pub outcome: Outcome,
    pub at: Timestamp,
}

/// A queued message whose time is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Overdue {
    pub row: MessageRow,
    /// Its session was deleted, or is not linked any more to the account that was to send it.
    pub given_up: bool,
    /// A try of it may have reached WhatsApp.
    pub doubtful: bool,
}

/// What a batch of incoming messages became.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inbound {
    /// Those that were new, in order; the rest were repeats.
    pub inserted: Vec<MessageId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReceiptKind {
    Delivered,
    Read,
    Played,
}

impl ReceiptKind {
    pub const fn status(self) -> MessageStatus {
        match self {
            Self::Delivered => MessageStatus::Delivered,
            Self::Read => MessageStatus::Read,
            Self::Played => MessageStatus::Played,
        }
    }
}

/// A receipt for messages that this session sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub kind: ReceiptKind,
    pub wa_ids: Vec<String>,
    pub at: Timestamp,
}

/// Which messages a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageFilter {
    pub session: Option<SessionId>,
    /// Only these sessions: those that the key is bound to.
    pub sessions: Option<Vec<SessionId>>,
    /// The chat's id, phone number or LID.
    pub chat: Option<String>,
    pub direction: Option<Direction>,
    pub status: Option<MessageStatus>,
    /// The type of its content, one of [`Content::TYPES`].
    pub kind: Option<String>,
    /// What its words have in them, letter case included.
    pub text: Option<String>,
    /// From then on, and before then.
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// What the caller calls it.
    pub reference: Option<String>,
    /// The id that WhatsApp knows it by; only with `session`.
    pub wa_id: Option<String>,
}

/// How long a try that began in time may still be under way: the write with all look-ups, and the wait for the acknowledgement.
pub const TRY_LIMIT: Duration = Duration::from_mins(3);
/// How long before its try a message is claimed at the most: a page is claimed at once and sent one after the other.
pub const CLAIM_LIMIT: Duration = Duration::from_mins(45);

#[async_trait]
pub trait MessageStore {
    /// Accepts a message: row, payload, usage, claim and events in one commit.
    async fn accept_message(&self, message: &NewMessage) -> Result<Accepted, Error>;

    async fn find_message(&self, account: &AccountId, id: &MessageId) -> Result<Option<MessageRow>, Error>;

    /// Whether the message is from when its session was linked to another number than now or last.
    async fn is_of_another_number(&self, account: &AccountId, id: &MessageId) -> Result<bool, Error>;

    /// Every status that the message reached, oldest first.
    async fn timeline(&self, account: &AccountId, id: &MessageId) -> Result<Vec<TimelineEntry>, Error>;

    /// Newest first.
    async fn list_messages(&self, account: &AccountId, filter: &MessageFilter, page: PageRequest) -> Result<Page<MessageRow>, Error>;

    /// Removes some of the account's messages that were made before that time and to which nothing has happened since, with their payloads,
    /// steps and receipts; the files that came with them end. What is still to be sent stays, and so may what events tell that are there. `after`
    /// is where the look before has ended, 0 at first.
    async fn remove_messages(&self, account: &AccountId, before: Timestamp, after: i64) -> Result<Removed, Error>;

    /// When the oldest event was written that a webhook of the account has not had yet.
    async fn owed_to_webhooks_since(&self, account: &AccountId) -> Result<Option<Timestamp>, Error>;

    /// The session's queued messages in the order of their acceptance, after the one with number `after` (0 for the
    /// first), each with its number. Does not change them.
    async fn queued_messages(&self, session: &SessionId, after: i64, limit: u32) -> Result<Vec<(i64, Outgoing)>, Error>;

    /// The sessions that have queued messages, of all accounts and in the order of their ids, at most `limit` behind the one that the part
    /// before ended with: for the worker that catches lost wake-ups.
    async fn sessions_with_queued(&self, after: Option<&SessionId>, limit: u32) -> Result<Vec<(AccountId, SessionId)>, Error>;

    /// Counts one more try of each message, before it goes on the wire, and notes when. Those that are not queued any more are left alone.
    async fn claim_messages(&self, fence: &Fence, ids: &[MessageId], at: Timestamp) -> Result<(), Error>;

    /// Records how tries ended. A message that is not queued any more keeps its status. Returns the ids whose status
    /// really changed.
    async fn record_outcomes(&self, fence: &Fence, changes: &[StatusChange]) -> Result<Vec<MessageId>, Error>;

    /// Moves outgoing messages forward to the receipt's status, never back. A receipt on a queued message proves `sent`
    /// too, and `read` proves `delivered`: the steps between are written as well. So does one on a message that failed without anybody
    /// knowing whether it arrived. Unknown ids are ignored. Returns the rows that moved.
    async fn record_receipt(&self, fence: &Fence, receipt: &Receipt) -> Result<Vec<MessageRow>, Error>;

    /// Inserts what came in, each with its event, leaving out what is there already (same session, chat, sender and
    /// WhatsApp id). A row without content that is there already gets the content that came now. A change is applied to
    /// the message that it names, and is left out where its author may not make it. One commit.
    async fn record_inbound(&self, fence: &Fence, messages: &[MessageRow]) -> Result<Inbound, Error> {
        self.record_inbound_with_files(fence, messages, &[], &[]).await
    }

    /// Inserts what came in, with the files that are to be fetched for those that are new, and with changes of the vault.
    async fn record_inbound_with_files(
        &self,
        fence: &Fence,
        messages: &[MessageRow],
        files: &[NewFetch],
        vault: &[VaultOp],
    ) -> Result<Inbound, Error>;

    /// The session's messages that came after `since` and could not be decrypted until now, the newest first.
    async fn undecryptable_messages(&self, session: &SessionId, since: Timestamp, limit: u32) -> Result<Vec<MessageRow>, Error>;

    /// The session's messages of this WhatsApp id: one, but for ids that somebody chose to be alike.
    async fn messages_on_wire(&self, session: &SessionId, wa_id: &str) -> Result<Vec<MessageRow>, Error>;

    /// Notes that a message that came in was marked as read, where that was not noted before.
    async fn mark_message_read(&self, account: &AccountId, id: &MessageId, at: Timestamp) -> Result<(), Error>;

    /// Notes that another device of the account has read messages that came in, and their chats up to them. Tells which of the WhatsApp
    /// ids name no message that came in.
    async fn record_read_elsewhere(&self, fence: &Fence, wa_ids: &[String], at: Timestamp) -> Result<Vec<String>, Error>;

    /// Queued messages of all sessions whose time is over at `now`, of each account the first `of_account` that can be read; but for those
    /// that may be on the wire at this moment: a node that lives has claimed them, and their time was not over [`TRY_LIMIT`] ago.
    async fn overdue_messages(&self, now: Timestamp, of_account: u32) -> Result<Vec<Overdue>, Error>;

    /// Fails one queued message for want of an owner: the worker's verb for overdue messages and deleted sessions.
    /// `false` where it is not queued any more.
    async fn fail_message(&self, account: &AccountId, change: &StatusChange) -> Result<bool, Error>;

    /// The frozen payload of an outgoing message, by its WhatsApp id and chat: what a recipient that could not decrypt
    /// it asks for again.
    async fn sent_payload(&self, session: &SessionId, chat: &str, wa_id: &str) -> Result<Option<Vec<u8>>, Error>;

    /// Whom a status of this session was for; empty where that is not known any more.
    async fn audience(&self, session: &SessionId, wa_id: &str) -> Result<Vec<String>, Error>;
}
