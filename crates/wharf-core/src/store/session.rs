//! Sessions as stored.

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, SessionId};
use wharf_api::types::session::{DisconnectReason, Refusal, SessionStatus};

use super::{Claim, Error, Fence, NewEvent, Page, PageRequest, WebhookRow};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    pub id: SessionId,
    pub account: AccountId,
    pub name: String,
    pub status: SessionStatus,
    pub reason: Option<DisconnectReason>,
    /// WhatsApp's last refusal, until the session was connected again.
    pub refusal: Option<Refusal>,
    /// The linked account's id, `digits@s.whatsapp.net`, while it is linked.
    pub jid: Option<String>,
    /// `digits@lid`.
    pub lid: Option<String>,
    pub push_name: Option<String>,
    /// The address of its own proxy, sealed.
    pub proxy: Option<Vec<u8>>,
    pub created_at: Timestamp,
    pub status_at: Timestamp,
    /// Since when it is, or was last, linked to its number; not known of links from before this was kept.
    pub number_since: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    pub id: SessionId,
    pub account: AccountId,
    pub name: String,
    pub at: Timestamp,
    /// The plan's limit, checked in the same transaction.
    pub limit: Option<u64>,
    pub claim: Option<Claim>,
    /// The address of its own proxy, sealed.
    pub proxy: Option<Vec<u8>>,
    /// A webhook for its events, inserted with it.
    pub webhook: Option<WebhookRow>,
    /// How many webhooks the account may have, checked where there is one.
    pub webhook_limit: u64,
}

/// What somebody changes of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionChange {
    pub name: Option<String>,
    pub proxy: Option<Option<Vec<u8>>>,
}

/// What became of a session that was to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    Now,
    /// The account has this many sessions, and the plan allows no more.
    LimitReached {
        sessions: u64,
    },
    /// The account has this many webhooks and may have no more.
    WebhookLimitReached {
        webhooks: u64,
    },
    /// The idempotency key was claimed before.
    ClaimedBefore,
}

/// What an engine reports about its session's link. `None` leaves a column as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkChange {
    pub status: SessionStatus,
    pub reason: Option<DisconnectReason>,
    /// `connected` forgets what was there, and `qr` too unless the pairing was refused.
    pub refusal: Option<Refusal>,
    pub jid: Option<String>,
    pub lid: Option<String>,
    pub push_name: Option<String>,
    /// Forgets jid, lid and push name: the link is gone.
    pub unlink: bool,
    pub at: Timestamp,
    pub events: Vec<NewEvent>,
}

#[async_trait]
pub trait SessionStore {
    async fn insert_session(&self, session: &NewSession) -> Result<Created, Error>;

    async fn find_session(&self, account: &AccountId, id: &SessionId) -> Result<Option<SessionRow>, Error>;

    /// A session of this process as it was read since the process took it, or wrote one: another node may have renamed or deleted it since.
    /// For who asks neither for its name nor for its proxy, and writes what is refused where it is gone.
    async fn recall_session(&self, account: &AccountId, id: &SessionId) -> Result<Option<SessionRow>, Error> {
        self.find_session(account, id).await
    }

    /// The sealed address of the session's own proxy, for its engine.
    async fn session_proxy(&self, id: &SessionId) -> Result<Option<Vec<u8>>, Error>;

    /// Oldest first.
    async fn list_sessions(&self, account: &AccountId, page: PageRequest) -> Result<Page<SessionRow>, Error>;

    /// Changes what is given; `false` where there is no such session. A proxy is sealed, and none takes it away.
    async fn update_session(&self, account: &AccountId, id: &SessionId, change: &SessionChange) -> Result<bool, Error>;

    /// Deletes the session with its messages' engine state, its vault and its ownership; messages and events stay.
    /// `false` where there is no such session.
    async fn delete_session(&self, account: &AccountId, id: &SessionId) -> Result<bool, Error>;

    /// Every session that should be running, of all accounts: those with a link, for the start of the process. Without those of suspended
    /// accounts.
    async fn list_linked_sessions(&self) -> Result<Vec<SessionRow>, Error>;

    /// The sessions of all accounts that were being linked when their row was last written, and have a device's keys: a link that was
    /// made in that moment is known by the keys alone. Without those of suspended accounts.
    async fn list_sessions_in_pairing(&self) -> Result<Vec<SessionId>, Error>;

    /// Records what the engine saw, with its events, in one commit. Where the session is unlinked, or linked to another account than
    /// before, the time of what is queued is over with it: it was said by that account.
    async fn record_link(&self, fence: &Fence, change: &LinkChange) -> Result<(), Error> {
        self.record_link_once(fence, change, None).await
    }

    /// Records a change that may have been recorded before although nobody heard of it: the last one recorded under this mark is
    /// not recorded again.
    async fn record_link_once(&self, fence: &Fence, change: &LinkChange, mark: Option<&str>) -> Result<(), Error>;
}
