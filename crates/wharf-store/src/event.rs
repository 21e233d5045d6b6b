//! Events: written in the transaction of what they announce, with the session's next numbers.

use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, SessionId};
use wharf_core::store::{Error, NewEvent};

use crate::sql::{Tx, args, corrupt, statements};

statements! {
    /// Locks the session's row to the end of the commit: on PostgreSQL the numbers of its messages and events then grow
    /// in the order of the commits.
    SEQUENCE = "UPDATE sessions SET event_sequence = event_sequence + $3 WHERE id = $1 AND account_id = $2 RETURNING event_sequence, deleted";
    INSERT_ONE = "INSERT INTO events (id, account_id, session_id, sequence, kind, at, data) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    INSERT_TWO = "INSERT INTO events (id, account_id, session_id, sequence, kind, at, data) VALUES ($1, $2, $3, $4, $5, $6, $7), ($8, $2, $3, $9, $10, $6, $11)";
}

/// An event with its JSON written out, which is done before the lane is busy with it.
pub(crate) struct Draft {
    kind: &'static str,
    data: String,
}

impl From<NewEvent> for Draft {
    fn from(event: NewEvent) -> Self {
        Self { kind: event.kind.as_str(), data: event.data.to_string() }
    }
}

pub(crate) fn drafts(events: Vec<NewEvent>) -> Vec<Draft> {
    events.into_iter().map(Draft::from).collect()
}

/// The numbers that were set aside for some events of a session.
pub(crate) struct Numbers {
    next: i64,
    /// The session is deleted: its messages must not be sent any more.
    pub deleted: bool,
}

/// Sets the session's next `count` numbers aside.
pub(crate) async fn reserve(tx: &mut Tx, account: &AccountId, session: &SessionId, count: usize) -> Result<Numbers, Error> {
    let count = i64::try_from(count).map_err(|_| corrupt("too many events"))?;
    let row = tx.first(&SEQUENCE, args![session, account, count]).await?;
    let mut row = row.ok_or_else(|| corrupt(format!("events for {session}, which the account does not have")))?;
    Ok(Numbers { next: row.int()? - count + 1, deleted: row.flag()? })
}

/// Writes events of one moment under numbers that were set aside.
pub(crate) async fn insert(
    tx: &mut Tx,
    account: &AccountId,
    session: &SessionId,
    numbers: &mut Numbers,
    at: Timestamp,
    events: &[Draft],
) -> Result<(), Error> {
    for pair in events.chunks(2) {
        let (first, number) = (tx.event_id(), numbers.next);
        numbers.next += 1;
        match pair {
            [one, two] => {
                let second = tx.event_id();
                numbers.next += 1;
                let args = args![&first, account, session, number, one.kind, at, &one.data, &second, number + 1, two.kind, &two.data];
                tx.execute(&INSERT_TWO, args).await?;
            }
            [one] => {
                tx.execute(&INSERT_ONE, args![&first, account, session, number, one.kind, at, &one.data]).await?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Sets numbers aside and writes the events under them.
pub(crate) async fn write(tx: &mut Tx, account: &AccountId, session: &SessionId, at: Timestamp, events: &[Draft]) -> Result<(), Error> {
    if events.is_empty() {
        return Ok(());
    }
    let mut numbers = reserve(tx, account, session, events.len()).await?;
    insert(tx, account, session, &mut numbers, at, events).await
}
