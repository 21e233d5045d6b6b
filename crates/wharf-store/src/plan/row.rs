//! What is read of a plan.

use wharf_core::store::{Error, Plan};

use crate::sql::Row;

pub(crate) fn plan(row: &mut Row) -> Result<Plan, Error> {
    Ok(Plan {
        name: row.text()?,
        messages_per_day: row.opt_count()?,
        calls_per_minute: row.count()?,
        sessions: row.opt_count()?,
        concurrent_requests: row.count()?,
        event_days: row.count()?,
        media_days: row.count()?,
        media_bytes: row.opt_count()?,
        // A plan that nobody has given one yet has the safe one.
        pace: row.opt_parsed("a pace", |text| serde_json::from_str(text).ok())?.unwrap_or_default(),
        keep_deleted: row.flag()?,
        message_days: row.opt_count()?,
    })
}
