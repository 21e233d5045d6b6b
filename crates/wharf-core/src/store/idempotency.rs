//! `Idempotency-Key`s as stored: one row per account, operation and key.

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::ids::AccountId;

use super::Error;

/// What a creating request claims, written in the transaction of what it creates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The operation's name.
    pub operation: String,
    /// The header's value.
    pub key: String,
    /// SHA-256 of the request.
    pub request_hash: Vec<u8>,
    /// From when on the row may be dropped and the key be used anew.
    pub expires_at: Timestamp,
}

/// The answer that the first request got. In the database its body is sealed: it may show a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyRow {
    pub request_hash: Vec<u8>,
    /// The id of what the first request created; who took the key, where nothing could be committed with it.
    pub resource_id: String,
    pub created_at: Timestamp,
    /// `None` while the first request runs, or for ever where the process died under it.
    pub answer: Option<Answer>,
}

#[async_trait]
pub trait IdempotencyStore: Send + Sync {
    /// The row of a key that has not expired at `now`.
    async fn find_idempotency(
        &self,
        account: &AccountId,
        operation: &str,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<IdempotencyRow>, Error>;

    /// Takes a key by itself, for what cannot be committed with it. `taker` is a name that no other request has. `false` where it was taken
    /// before.
    async fn claim_idempotency(&self, account: &AccountId, claim: &Claim, taker: &str, at: Timestamp) -> Result<bool, Error>;

    /// Lets a key go that has no answer.
    async fn release_idempotency(&self, account: &AccountId, operation: &str, key: &str) -> Result<(), Error>;

    /// Stores the first request's answer.
    async fn answer_idempotency(&self, account: &AccountId, operation: &str, key: &str, answer: &Answer) -> Result<(), Error>;

    /// Drops rows that have expired; tells how many.
    async fn expire_idempotency(&self, now: Timestamp) -> Result<u64, Error>;
}
