//! Who owns a session: the one process that may run its client.

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, SessionId};

use super::{Error, SessionRow};

/// Proof of ownership, checked in the transaction of every write that an engine makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    pub account: AccountId,
    pub session: SessionId,
    /// Rises with every take-over and never falls.
    pub epoch: i64,
    /// Another node had it until this take, and had not given it up.
    pub taken_over: bool,
}

/// What the renewal of a lease found of the nodes that have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// Every node can read payloads that are sealed: those of earlier releases cannot.
    pub all_read_sealed: bool,
    /// There is no other, and none had a lease within the last day.
    pub alone: bool,
}

/// Leases are judged by one clock: where several nodes share a database it is the database's, and `now` counts for nothing.
#[async_trait]
pub trait OwnerStore {
    /// Renews this node's lease for `ttl_ms` from now on. A node that lets its lease lapse loses its sessions to whoever asks.
    async fn renew_lease(&self, node: &str, now: Timestamp, ttl_ms: i64) -> Result<Renewed, Error>;

    /// Takes a session: raises its epoch and returns the fence of the new owner. `None` where a node other than `node`
    /// owns it and that node's lease has not lapsed at `now`, where its account is suspended, or where there is no such session.
    async fn take_session(&self, session: &SessionId, node: &str, now: Timestamp) -> Result<Option<Fence>, Error>;

    /// The node that owns the session, where its lease has not lapsed at `now`.
    async fn owner_of(&self, session: &SessionId, now: Timestamp) -> Result<Option<String>, Error>;

    /// Whose the session is.
    async fn account_of(&self, session: &SessionId) -> Result<Option<AccountId>, Error>;

    /// Gives a session up, so that any node may take it at once. Does nothing under a stale fence.
    async fn release_session(&self, fence: &Fence) -> Result<(), Error>;

    /// How far the numbers of messages have come. In one history of a database that never falls, whatever is deleted.
    async fn high_water(&self) -> Result<i64, Error>;

    /// The database is an older self: what its sessions know of their keys is behind what was used. No fence that was given out
    /// passes any more, and every session is told to begin its keys anew. Tells how many there are.
    async fn mark_stale(&self) -> Result<u64, Error>;

    /// Whether the session has to begin its keys anew.
    async fn is_stale(&self, session: &SessionId) -> Result<bool, Error>;

    /// The session has begun its keys anew.
    async fn clear_stale(&self, fence: &Fence) -> Result<(), Error>;

    /// The linked sessions of all accounts that should be running and that no other node with a lease at `now` owns, oldest first: also
    /// those of `node` itself, which knows which of them it runs. Without those of suspended accounts.
    async fn list_unattended_sessions(&self, node: &str, now: Timestamp) -> Result<Vec<SessionId>, Error>;

    /// The linked sessions of all accounts that WhatsApp has banned and that no node with a lease at `now` owns, oldest first. Without
    /// those of suspended accounts.
    async fn list_banned_sessions(&self, now: Timestamp) -> Result<Vec<SessionRow>, Error>;
}
