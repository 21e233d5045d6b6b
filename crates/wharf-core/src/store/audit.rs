//! The audit log as stored: rows are added, read, and dropped when they are old. None is ever changed.

use async_trait::async_trait;
use wharf_api::ids::{AccountId, KeyId, UserId};
use wharf_api::types::audit::Actor;
use wharf_api::{ErrorCode, Timestamp};

use super::{Error, Page, PageRequest};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    pub at: Timestamp,
    /// The account that it is about; `None` for refused keys, which belong to nobody.
    pub account: Option<AccountId>,
    pub actor: Actor,
    pub key: Option<KeyId>,
    /// Who was signed in.
    pub user: Option<UserId>,
    pub address: Option<String>,
    /// The operation's name.
    pub action: String,
    pub target: Option<String>,
    pub created: Option<String>,
    /// `None` is success.
    pub code: Option<ErrorCode>,
    pub times: u64,
}

/// Which rows a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub account: Option<AccountId>,
    pub key: Option<KeyId>,
    pub action: Option<String>,
    pub target: Option<String>,
}

#[async_trait]
pub trait AuditStore {
    /// Adds rows, all in one commit.
    async fn append_audit(&self, rows: &[AuditRow]) -> Result<(), Error>;

    /// Newest first.
    async fn list_audit(&self, filter: &AuditFilter, page: PageRequest) -> Result<Page<AuditRow>, Error>;

    /// Drops rows from before `before`, at most so many; tells how many.
    async fn expire_audit(&self, before: Timestamp, limit: u32) -> Result<u64, Error>;
}
