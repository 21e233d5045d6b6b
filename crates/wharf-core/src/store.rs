//! The port to durable state. Every verb is one transaction: when it returns `Ok`, what it did survives a power cut.
//!
//! Verbs that act for a customer take the account first and see nothing of another account. Verbs that act for a
//! session's engine take a [`Fence`] and change nothing when somebody else owns the session by now.

pub mod account;
pub mod audit;
pub mod canary;
pub mod census;
pub mod chat;
pub mod database;
pub mod erase;
pub mod event;
pub mod hold;
pub mod idempotency;
pub mod key;
pub mod media;
pub mod message;
pub mod node;
pub mod owner;
pub mod session;
pub mod suspend;
pub mod switch;
pub mod update;
pub mod user;
pub mod vault;
pub mod version;
pub mod webhook;

pub use account::{AccountRow, AccountStore, Answers, Plan};
pub use audit::{AuditFilter, AuditRow, AuditStore};
pub use canary::{CanaryRow, CanaryStore};
pub use census::{Backlog, CensusStore, DeliveryQueue, MessageQueue};
pub use chat::{ChatRow, ChatStore, ContactRow, Member, MemberReceipt, MemberState, Unread};
pub use database::{DatabaseStore, KeyMarks};
pub use erase::{EraseStore, Remains};
pub use event::{EventFilter, EventPage, EventRow, EventStore, NOTICE_KEPT, NewEvent};
pub use hold::{Held, HoldRow, HoldStore};
pub use idempotency::{Answer, Claim, IdempotencyRow, IdempotencyStore};
pub use key::{KeyRow, KeyStore, KeyWithAccount};
pub use media::{DueFetch, LostFetch, MediaRow, MediaStore, NewFetch};
pub use message::{
    Accepted, CLAIM_LIMIT, Inbound, MAY_HAVE_ARRIVED, MessageFilter, MessageRow, MessageStore, NewMessage, Outcome, Outgoing, Overdue,
    Receipt, ReceiptKind, Removed, StatusChange, TRY_LIMIT,
};
pub use node::{NodeRow, NodeStore, Told};
pub use owner::{Fence, OwnerStore, Renewed};
pub use session::{Created, LinkChange, NewSession, SessionChange, SessionRow, SessionStore};
pub use suspend::SuspendStore;
pub use switch::{SwitchRow, SwitchStore};
pub use update::{NoticeRow, UpdateStore};
pub use user::{LoginRow, LoginStore, LoginWithUser, UserRow, UserStore};
pub use vault::{VaultOp, VaultStore};
pub use version::{FetchedVersion, VersionRow, VersionStore};
pub use webhook::{
    DeliveryRow, DueDeliveries, DueDelivery, DueWebhook, Health, Inserted, TryRecord, UnreadableDelivery, WebhookChange, WebhookRow,
    WebhookStore,
};

/// Why a verb of the store did not do its work. Nothing was changed, unless the variant says that it is not known.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another owner has taken the session over: the caller must stop its client.
    #[error("the session is owned by somebody else")]
    Fenced,
    /// The database is away, locked, slow or full. A commit may or may not have happened.
    #[error("the database is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A row cannot be read as what it should be, or the database does not take the bytes of this one: nothing is wrong with its neighbours.
    #[error("the database holds or was asked something impossible: {0}")]
    Corrupt(String),
    /// The database refuses, and not for what this row says: a right, a table, a trigger, a sequence, a damaged page. Somebody must mend it.
    #[error("the database refuses: {0}")]
    Refused(String),
}

impl Error {
    /// Whether the same may go through later: when the database is back, or when somebody has mended it. What has to be written at some
    /// time is kept until then.
    pub const fn is_for_later(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Refused(_))
    }
}

/// All that Wharf keeps.
pub trait Store:
    AccountStore
    + KeyStore
    + MediaStore
    + SessionStore
    + MessageStore
    + ChatStore
    + AuditStore
    + CanaryStore
    + CensusStore
    + DatabaseStore
    + EraseStore
    + HoldStore
    + EventStore
    + IdempotencyStore
    + NodeStore
    + OwnerStore
    + SuspendStore
    + SwitchStore
    + UpdateStore
    + UserStore
    + LoginStore
    + VaultStore
    + VersionStore
    + WebhookStore
    + Send
    + Sync
    + 'static
{
}

impl<T> Store for T where
    T: AccountStore
        + AuditStore
        + CanaryStore
        + CensusStore
        + DatabaseStore
        + EraseStore
        + HoldStore
        + KeyStore
        + MediaStore
        + SessionStore
        + MessageStore
        + EventStore
        + ChatStore
        + IdempotencyStore
        + NodeStore
        + OwnerStore
        + SuspendStore
        + SwitchStore
        + UpdateStore
        + UserStore
        + LoginStore
        + VaultStore
        + VersionStore
        + WebhookStore
        + Send
        + Sync
        + 'static
{
}

/// A part of a list, in the order of the list.
#[derive(Clone, Debug, Default)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<i64>,
}

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest {
    /// The `next` of the page before; `None` for the first page.
    pub after: Option<i64>,
    pub limit: u32,
}

impl From<&Error> for wharf_api::ApiError {
    fn from(error: &Error) -> Self {
        use wharf_api::ErrorCode;
        match error {
            Error::Unavailable(_) => wharf_api::ApiError::new(ErrorCode::ServiceUnavailable).retry_after(1),
            Error::Fenced => wharf_api::ApiError::new(ErrorCode::ServiceUnavailable).retry_after(2),
            Error::Corrupt(_) | Error::Refused(_) => ErrorCode::InternalServerError.into(),
        }
    }
}
