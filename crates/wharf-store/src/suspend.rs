//! Accounts that are suspended: a mark that is set and lifted, and the sessions that rest meanwhile.

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, SessionId};
use wharf_core::store::{AccountRow, Error, SuspendStore};

use crate::account::account;
use crate::account::row::FIND;
use crate::lane::Place;
use crate::sql::{args, statements};
use crate::store::SqlStore;

statements! {
    SUSPEND = "UPDATE accounts SET suspended_at = COALESCE(suspended_at, $2) WHERE id = $1 AND deleting_at IS NULL";
    RESUME = "UPDATE accounts SET suspended_at = NULL WHERE id = $1 AND deleting_at IS NULL";
    SESSIONS = "SELECT s.id FROM accounts a JOIN sessions s ON s.account_id = a.id WHERE a.suspended_at IS NOT NULL AND s.deleted = 0 \
        ORDER BY s.number";
}

#[async_trait]
impl SuspendStore for SqlStore {
    async fn suspend_account(&self, id: &AccountId, at: Timestamp) -> Result<Option<AccountRow>, Error> {
        let id = id.clone();
        self.write(Place::account(&id.clone()), move |tx| {
            Box::pin(async move {
                if tx.execute(&SUSPEND, args![&id, at]).await? == 0 {
                    return Ok(None);
                }
                tx.first(&FIND, args![&id]).await?.map(|mut row| account(&mut row)).transpose()
            })
        })
        .await
    }

    async fn resume_account(&self, id: &AccountId) -> Result<Option<AccountRow>, Error> {
        let id = id.clone();
        self.write(Place::account(&id.clone()), move |tx| {
            Box::pin(async move {
                if tx.execute(&RESUME, args![&id]).await? == 0 {
                    return Ok(None);
                }
                tx.first(&FIND, args![&id]).await?.map(|mut row| account(&mut row)).transpose()
            })
        })
        .await
    }

    async fn list_suspended_sessions(&self) -> Result<Vec<SessionId>, Error> {
        let rows = self.readers.fetch(&SESSIONS, &[]).await?;
        rows.into_iter().map(|mut row| row.parsed("a session's id", SessionId::parse)).collect()
    }
}
