//! What is read of a session.

use wharf_api::ids::{AccountId, SessionId};
use wharf_api::types::session::{DisconnectReason, SessionStatus};
use wharf_core::store::{Error, SessionRow};

use crate::sql::Row;

/// The cells that [`session`] reads.
macro_rules! columns {
    () => {
        "number, id, account_id, name, status, reason, refusal, jid, lid, push_name, proxy, created_at, status_at, number_since"
    };
}
pub(crate) use columns;

/// Whether the session of that table, or alias, is to run as far as its account goes: what is suspended rests.
macro_rules! is_awake {
    ($session:literal) => {
        concat!("NOT EXISTS (SELECT 1 FROM accounts a WHERE a.id = ", $session, ".account_id AND a.suspended_at IS NOT NULL)")
    };
}
pub(crate) use is_awake;

pub(crate) fn session(row: &mut Row) -> Result<(i64, SessionRow), Error> {
    let number = row.int()?;
    let session = SessionRow {
        id: row.parsed("a session's id", SessionId::parse)?,
        account: row.parsed("an account's id", AccountId::parse)?,
        name: row.text()?,
        status: row.parsed("a session's status", SessionStatus::parse)?,
        reason: row.opt_parsed("a reason", DisconnectReason::parse)?,
        refusal: row.opt_parsed("a refusal", |text| serde_json::from_str(text).ok())?,
        jid: row.opt_text()?,
        lid: row.opt_text()?,
        push_name: row.opt_text()?,
        proxy: row.opt_bytes()?,
        created_at: row.time()?,
        status_at: row.time()?,
        number_since: row.opt_time()?,
    };
    Ok((number, session))
}
