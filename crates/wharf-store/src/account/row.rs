//! What is read of an account, with its plan.

use wharf_api::ids::AccountId;
use wharf_core::store::{AccountRow, Error};

use crate::plan::row::plan;
use crate::sql::{Row, statements};

/// The cells that [`account`] reads; `a` is the account and `p` its plan.
macro_rules! account_columns {
    () => {
        "a.id, a.name, a.created_at, a.deleting_at, a.suspended_at, p.name, p.messages_per_day, p.calls_per_minute, p.sessions, \
         p.concurrent_requests, p.event_days, p.media_days, p.media_bytes, p.pace, p.keep_deleted, p.message_days"
    };
}
pub(crate) use account_columns;

statements! {
    FIND = concat!("SELECT ", account_columns!(), " FROM accounts a JOIN plans p ON p.name = a.plan WHERE a.id = $1");
}

pub(crate) fn account(row: &mut Row) -> Result<AccountRow, Error> {
    Ok(AccountRow {
        id: row.parsed("an account's id", AccountId::parse)?,
        name: row.text()?,
        created_at: row.time()?,
        deleting_at: row.opt_time()?,
        suspended_at: row.opt_time()?,
        plan: plan(row)?,
    })
}
