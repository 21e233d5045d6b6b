//! Where in the log the messages of a time stand. No index has them by their time, which would cost each text a page: their ids tell it,
//! for an id begins with the time that it was made at, and messages are numbered a moment after they got it.
//!
//! What was made more than five minutes before or after what its id tells stands in an index of its own, whatever its number
//! (`messages_behind`, `messages_ahead`): old news that came late, and all that a clock was wrong about while ids went on. All others are
//! where their ids lead, give or take [`MARGIN`]: ids of one process never go back, whatever its clock does, and those of two are as far
//! apart as their clocks. Where ids on both sides of the margin, or the oldest or the newest of all, show another order, the log is looked
//! through as a whole.

use std::time::Duration;

use wharf_api::Timestamp;
use wharf_api::ids::MessageId;
use wharf_core::store::Error;

use crate::sql::{args, statements};
use crate::store::SqlStore;

statements! {
    /// The smallest numbers of those that got their ids last before a time, of those that got them first after another one, and of those
    /// whose ids are the newest of all.
    SMALLEST = "SELECT (SELECT MIN(number) FROM (SELECT number FROM messages WHERE id < $1 ORDER BY id DESC LIMIT 200) older), \
        (SELECT MIN(number) FROM (SELECT number FROM messages WHERE id >= $2 ORDER BY id LIMIT 200) newer), \
        (SELECT MIN(number) FROM (SELECT number FROM messages WHERE id < 'n' ORDER BY id DESC LIMIT 200) newest)";
    /// The largest ones: after a time, before another one, and of those whose ids are the oldest of all.
    LARGEST = "SELECT (SELECT MAX(number) FROM (SELECT number FROM messages WHERE id >= $1 ORDER BY id LIMIT 200) newer), \
        (SELECT MAX(number) FROM (SELECT number FROM messages WHERE id < $2 ORDER BY id DESC LIMIT 200) older), \
        (SELECT MAX(number) FROM (SELECT number FROM messages WHERE id >= 'm' ORDER BY id LIMIT 200) oldest)";
}

/// How far ids may be out of the order of the numbers: by five minutes that a message may be older or younger than its id, by the time
/// until it is numbered, and by the difference of two clocks.
const MARGIN: Duration = Duration::from_mins(20);

/// The numbers among which all messages of a time are, but for those that are as old as their ids do not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NumberSpan {
    /// Larger than this one.
    pub above: i64,
    /// This one or smaller.
    pub through: i64,
}

impl NumberSpan {
    const ALL: Self = Self { above: 0, through: i64::MAX };
}

impl SqlStore {
    /// Where the messages are that were made from `since` on and before `until`.
    pub(super) async fn numbers_of(&self, since: Option<Timestamp>, until: Option<Timestamp>) -> Result<NumberSpan, Error> {
        let mut span = NumberSpan::ALL;
        if let Some(since) = since {
            let (older, newer) = (MessageId::first_at(since - MARGIN), MessageId::first_at(since));
            if let Some(mut row) = self.readers.first(&SMALLEST, args![&older, &newer]).await? {
                let (above, others) = (row.opt_int()?, [row.opt_int()?, row.opt_int()?]);
                let in_order = |above: &i64| others.iter().flatten().all(|other| above <= other);
                span.above = above.filter(in_order).unwrap_or(span.above);
            }
        }
        if let Some(until) = until {
            let (newer, older) = (MessageId::first_at(until + MARGIN), MessageId::first_at(until));
            if let Some(mut row) = self.readers.first(&LARGEST, args![&newer, &older]).await? {
                let (through, others) = (row.opt_int()?, [row.opt_int()?, row.opt_int()?]);
                let in_order = |through: &i64| others.iter().flatten().all(|other| through >= other);
                span.through = through.filter(in_order).unwrap_or(span.through);
            }
        }
        Ok(if span.above < span.through { span } else { NumberSpan::ALL })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations::{sqlite_plan_on, sqlite_schema};

    #[test]
    fn a_time_is_looked_up_in_the_order_of_the_ids_and_nothing_is_sorted() {
        let conn = sqlite_schema();
        for sql in ALL {
            let plan = sqlite_plan_on(&conn, sql);
            let on_log: Vec<_> = plan.iter().filter(|step| step.split(' ').nth(1) == Some("messages")).collect();
            assert_eq!(on_log.len(), 3, "{}: {plan:#?}", sql.name);
            assert!(on_log.iter().all(|step| step.starts_with("SEARCH") && step.contains("(id")), "{}: {plan:#?}", sql.name);
            assert!(plan.iter().all(|step| !step.contains("TEMP B-TREE")), "{} is sorted: {plan:#?}", sql.name);
        }
    }
}
