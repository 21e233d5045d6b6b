//! Media as stored: one row per file, which lies elsewhere under the row's id.

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, MediaId, MessageId, SessionId};
use wharf_api::types::media::{MediaKind, MediaStatus};

use super::Error;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaRow {
    pub id: MediaId,
    pub account: AccountId,
    /// Whose file it is, where it came with a message: a key that is bound to sessions sees only theirs.
    pub session: Option<SessionId>,
    pub kind: MediaKind,
    pub mime_type: String,
    pub size: u64,
    /// In hexadecimal; known once the file is stored.
    pub sha256: Option<String>,
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub seconds: Option<u32>,
    pub file_name: Option<String>,
    pub state: MediaStatus,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// A received file that is to be fetched, stored with its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFetch {
    pub media: MediaRow,
    /// Where it is and how it is opened, sealed by the engine.
    pub source: Vec<u8>,
}

/// A received file whose time to be fetched has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueFetch {
    pub media: MediaId,
    pub account: AccountId,
    pub session: SessionId,
    pub message: MessageId,
    pub source: Vec<u8>,
    /// How often it was tried before.
    pub attempts: u32,
}

/// A received file that nobody will fetch any more: its session is deleted, or its time is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostFetch {
    pub fetch: DueFetch,
    pub session_deleted: bool,
}

#[async_trait]
pub trait MediaStore {
    async fn insert_media(&self, row: &MediaRow) -> Result<(), Error>;

    async fn find_media(&self, account: &AccountId, id: &MediaId) -> Result<Option<MediaRow>, Error>;

    /// The account's files in the order of their ids, in whatever state.
    async fn list_media(&self, account: &AccountId, after: Option<&MediaId>, limit: u32) -> Result<Vec<MediaRow>, Error>;

    /// How many bytes the account's stored files have.
    async fn media_bytes(&self, account: &AccountId) -> Result<u64, Error>;

    /// Deletes the first `limit` rows of all accounts whose time is over, and tells which; but for files that are still to be fetched:
    /// their fetch ends first.
    async fn expire_media(&self, now: Timestamp, limit: u32) -> Result<Vec<MediaId>, Error>;

    async fn delete_media(&self, ids: &[MediaId]) -> Result<(), Error>;

    /// Received files that are to be fetched now in the connected sessions of that node, the longest due first, of each account only the
    /// first `of_account`.
    async fn list_due_fetches(&self, node: &str, now: Timestamp, of_account: u32, limit: u32) -> Result<Vec<DueFetch>, Error>;

    /// Received files of all accounts that can never be fetched.
    async fn list_lost_fetches(&self, now: Timestamp, limit: u32) -> Result<Vec<LostFetch>, Error>;

    /// Notes how often a file was tried, and when it is tried again.
    async fn postpone_fetch(&self, fetch: &DueFetch, attempts: u32, due_at: Timestamp) -> Result<(), Error>;

    /// Ends a fetch: the file's row, what its message says of it and the event about that, in one commit. `error` says why the
    /// file could not be fetched. `false` where it was ended before.
    async fn settle_fetch(&self, fetch: &DueFetch, row: &MediaRow, error: Option<&str>, at: Timestamp) -> Result<bool, Error>;

    /// Those of `ids` that have rows.
    async fn known_media(&self, ids: &[MediaId]) -> Result<Vec<MediaId>, Error>;
}
