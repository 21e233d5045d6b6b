//! The time line of a message.

use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, MessageId};
use wharf_api::types::message::{Direction, Marks, MessageStatus, TimelineEntry};
use wharf_core::store::Error;

use crate::sql::{Tx, args, statements};
use crate::store::SqlStore;

statements! {
    /// What an older release noted of a failure that was none.
    REMOVE = "DELETE FROM message_steps WHERE message = $1 AND status = 'failed'";
    /// Older releases wrote a row for each step.
    OF_MESSAGE = "SELECT m.direction, m.marks, m.created_at, m.sent_at, m.delivered_at, m.read_at, m.played_at, m.failed_at, s.status, s.at \
        FROM messages m LEFT JOIN message_steps s ON s.message = m.number WHERE m.account_id = $1 AND m.id = $2";
}

/// The statuses after the first, in the order of their columns.
const COLUMNS: [MessageStatus; 5] =
    [MessageStatus::Sent, MessageStatus::Delivered, MessageStatus::Read, MessageStatus::Played, MessageStatus::Failed];

/// The time of a step for its column, which it has where it is one of these.
pub(super) fn at(steps: &[MessageStatus], column: MessageStatus, at: Timestamp) -> Option<Timestamp> {
    steps.contains(&column).then_some(at)
}

/// Takes back that the message with this number failed, which was not so.
pub(super) async fn remove_failure(tx: &mut Tx, number: i64) -> Result<(), Error> {
    tx.execute(&REMOVE, args![number]).await.map(drop)
}

impl SqlStore {
    pub(super) async fn timeline(&self, account: &AccountId, id: &MessageId) -> Result<Vec<TimelineEntry>, Error> {
        let mut entries: Vec<TimelineEntry> = Vec::new();
        for mut row in self.readers.fetch(&OF_MESSAGE, args![account, id]).await? {
            let direction = row.parsed("a direction", Direction::parse)?;
            // The message itself tells where they cannot be read.
            let marks = serde_json::from_str::<Marks>(&row.text()?).unwrap_or_default();
            let created_at = row.time()?;
            let mut reached = Vec::new();
            for status in COLUMNS {
                reached.extend(row.opt_time()?.map(|at| TimelineEntry { status, at }));
            }
            if entries.is_empty() {
                let status = match direction {
                    Direction::Outgoing if marks.from_other_device => MessageStatus::Sent,
                    Direction::Outgoing => MessageStatus::Queued,
                    Direction::Incoming => MessageStatus::Received,
                };
                entries.push(TimelineEntry { status, at: created_at });
            }
            if let Some(status) = row.opt_parsed("a message's status", MessageStatus::parse)? {
                reached.push(TimelineEntry { status, at: row.time()? });
            }
            for entry in reached {
                if entries.iter().all(|known| known.status != entry.status) {
                    entries.push(entry);
                }
            }
        }
        // The order of the statuses is the order in which they are reached.
        entries.sort_by_key(|entry| entry.status);
        Ok(entries)
    }
}
