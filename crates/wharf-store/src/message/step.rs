//! The time line of a message.

use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, MessageId};
use wharf_api::types::message::{Direction, Marks, MessageStatus, TimelineEntry};
use wharf_core::store::Error;

use crate::open::SqlStore;
use crate::sql::{Tx, args, statements};

statements! {
    INSERT = "INSERT INTO message_steps (message, status, at) VALUES ($1, $2, $3) ON CONFLICT (message, status) DO NOTHING";
    REMOVE = "DELETE FROM message_steps WHERE message = $1 AND status = $2";
    OF_MESSAGE = "SELECT m.direction, m.marks, m.created_at, s.status, s.at FROM messages m LEFT JOIN message_steps s ON s.message = m.number \
        WHERE m.account_id = $1 AND m.id = $2";
}

/// Notes when the message with this number reached a status after its first.
pub(super) async fn insert(tx: &mut Tx, number: i64, status: MessageStatus, at: Timestamp) -> Result<(), Error> {
    tx.execute(&INSERT, args![number, status.as_str(), at]).await.map(drop)
}

/// Takes back that it reached a status, which was not so.
pub(super) async fn remove(tx: &mut Tx, number: i64, status: MessageStatus) -> Result<(), Error> {
    tx.execute(&REMOVE, args![number, status.as_str()]).await.map(drop)
}

impl SqlStore {
    pub(super) async fn steps(&self, account: &AccountId, id: &MessageId) -> Result<Vec<TimelineEntry>, Error> {
        let mut entries = Vec::new();
        for mut row in self.readers.fetch(&OF_MESSAGE, args![account, id]).await? {
            let direction = row.parsed("a direction", Direction::parse)?;
            // The message itself tells where they cannot be read.
            let marks = serde_json::from_str::<Marks>(&row.text()?).unwrap_or_default();
            let created_at = row.time()?;
            if entries.is_empty() {
                let status = match direction {
                    Direction::Outgoing if marks.from_other_device => MessageStatus::Sent,
                    Direction::Outgoing => MessageStatus::Queued,
                    Direction::Incoming => MessageStatus::Received,
                };
                entries.push(TimelineEntry { status, at: created_at });
            }
            if let Some(status) = row.opt_parsed("a message's status", MessageStatus::parse)? {
                entries.push(TimelineEntry { status, at: row.time()? });
            }
        }
        // The order of the statuses is the order in which they are reached.
        entries.sort_by_key(|entry| entry.status);
        Ok(entries)
    }
}
