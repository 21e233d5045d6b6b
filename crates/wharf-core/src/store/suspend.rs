//! Accounts that are suspended.

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, SessionId};

use super::{AccountRow, Error};

#[async_trait]
pub trait SuspendStore {
    /// From now on nobody acts in the account, and its sessions are in no list of those that are to run. Tells how it stands; `None` where
    /// there is no such account, or it is being deleted. One that is suspended already keeps its time.
    async fn suspend_account(&self, account: &AccountId, at: Timestamp) -> Result<Option<AccountRow>, Error>;

    /// Lifts the suspension, where there is one. `None` where there is no such account, or it is being deleted.
    async fn resume_account(&self, account: &AccountId) -> Result<Option<AccountRow>, Error>;

    /// The sessions of all accounts that are suspended, linked or not, oldest first.
    async fn list_suspended_sessions(&self) -> Result<Vec<SessionId>, Error>;
}
