//! Accounts and plans as stored.

use async_trait::async_trait;
use wharf_api::ids::AccountId;
use wharf_api::types::account::Pace;
use wharf_api::{ErrorCode, Timestamp};

use super::{Error, Page, PageRequest};

/// How much an account may do. `None` is without limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub name: String,
    pub messages_per_day: Option<u64>,
    pub calls_per_minute: u64,
    pub sessions: Option<u64>,
    pub concurrent_requests: u64,
    /// How many days the event log goes back.
    pub event_days: u64,
    /// How many days a file is kept.
    pub media_days: u64,
    /// How many bytes of files are kept at the same time.
    pub media_bytes: Option<u64>,
    /// How fast each session writes.
    pub pace: Pace,
    /// What was deleted for everyone stays as it was said, marked as deleted.
    pub keep_deleted: bool,
    /// How many days a message is kept; for ever where `None`.
    pub message_days: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    pub id: AccountId,
    pub name: String,
    pub plan: Plan,
    pub created_at: Timestamp,
    /// Since when it is being deleted: nobody acts in it any more.
    pub deleting_at: Option<Timestamp>,
    /// Since when it is suspended: nobody acts in it until an operator lifts that.
    pub suspended_at: Option<Timestamp>,
}

/// How often calls of one day were answered so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answers {
    pub utc_day: i64,
    /// `None` is success.
    pub code: Option<ErrorCode>,
    pub count: u64,
}

#[async_trait]
pub trait AccountStore {
    /// Inserts an account on the plan of that name; `false` where there is no such plan.
    async fn insert_account(&self, id: &AccountId, name: &str, plan: &str, at: Timestamp) -> Result<bool, Error>;

    async fn find_account(&self, id: &AccountId) -> Result<Option<AccountRow>, Error>;

    /// The account of that name that is not being deleted, for the command line and the sandbox.
    async fn find_account_named(&self, name: &str) -> Result<Option<AccountRow>, Error>;

    /// Messages accepted on the UTC day with that number.
    async fn messages_on_day(&self, account: &AccountId, utc_day: i64) -> Result<u64, Error>;

    /// Messages accepted on each UTC day from that one on, days without any left out.
    async fn messages_since(&self, account: &AccountId, utc_day: i64) -> Result<Vec<(i64, u64)>, Error>;

    /// Adds to what was counted before.
    async fn add_answers(&self, account: &AccountId, answers: &[Answers]) -> Result<(), Error>;

    /// How calls were answered from that UTC day on.
    async fn answers_since(&self, account: &AccountId, utc_day: i64) -> Result<Vec<Answers>, Error>;

    /// Oldest first. Whoever goes on misses none, whatever is deleted meanwhile.
    async fn list_accounts(&self, page: PageRequest) -> Result<Page<AccountRow>, Error>;

    /// Changes what is given; `None` where there is no such account, or it is being deleted. The plan must exist.
    async fn update_account(&self, id: &AccountId, name: Option<&str>, plan: Option<&str>) -> Result<Option<AccountRow>, Error>;

    /// The smallest first.
    async fn list_plans(&self) -> Result<Vec<Plan>, Error>;

    /// Makes the plan, or changes the limits of the one of that name for all its accounts.
    async fn put_plan(&self, plan: &Plan) -> Result<(), Error>;
}
