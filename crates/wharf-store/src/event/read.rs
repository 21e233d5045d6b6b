//! The log as it is read: in the order of the numbers, up to where no number can come any more.

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, EventId, SessionId};
use wharf_api::types::event::EventKind;
use wharf_core::event::Bell;
use wharf_core::store::{Error, EventFilter, EventPage, EventRow, EventStore, Fence, NewEvent};

use super::told;
use crate::horizon::Horizon;
use crate::lane::Place;
use crate::sql::{Row, Sql, among, args, listed, page, spelled, statements};
use crate::store::SqlStore;

/// The kinds that the life of a text has: most of any log is of them.
const OF_TEXTS: [EventKind; 5] =
    [EventKind::MessageReceived, EventKind::MessageStatus, EventKind::MessageSent, EventKind::MessageDelivered, EventKind::MessageRead];

/// All other kinds, as the index `events_rare` has them: kind by kind, for SQLite would make a table of a list with each event that is
/// written.
macro_rules! is_rare {
    () => {
        "kind <> 'message.status' AND kind <> 'message.sent' AND kind <> 'message.delivered' AND kind <> 'message.read' \
         AND kind <> 'message.received'"
    };
}

/// What does not pass comes without its data, so that a reader moves past it.
macro_rules! look {
    ($database:ident, $log:literal, $of:expr) => {
        concat!(
            "SELECT number, id, session_id, sequence, kind, at, CASE WHEN (CAST($4 AS TEXT) IS NULL OR session_id = $4) \
             AND (CAST($5 AS TEXT) IS NULL OR session_id IN ",
            among!($database, "$5"),
            ") AND (CAST($6 AS TEXT) IS NULL OR kind IN ",
            among!($database, "$6"),
            ") AND (CAST($8 AS BIGINT) = 0 OR repeated = 0) THEN ",
            told!("events"),
            " END FROM ",
            $log,
            " WHERE ",
            $of,
            " AND number > $2 AND number <= $3 ORDER BY number LIMIT $7"
        )
    };
}
macro_rules! list {
    ($database:ident) => {
        look!($database, "events", "account_id = $1")
    };
}
/// Names the index to SQLite. PostgreSQL finds it by its conditions.
macro_rules! list_rare {
    (sqlite) => {
        look!(sqlite, "events INDEXED BY events_rare", concat!("account_id || '' = $1 AND ", is_rare!()))
    };
    (postgres) => {
        look!(postgres, "events", concat!("account_id || '' = $1 AND ", is_rare!()))
    };
}
const LIST: Sql = spelled!("LIST", list);
const LIST_RARE: Sql = spelled!("LIST_RARE", list_rare);
pub(super) const BY_HAND: &[Sql] = &[LIST, LIST_RARE];

statements! {
    NUMBER = "SELECT number FROM events WHERE id = $2 AND account_id = $1";
    LATEST = "SELECT COALESCE(MAX(number), 0) FROM events WHERE account_id = $1";
    BEFORE_LAST = "SELECT COALESCE(MIN(number) - 1, 0) FROM \
        (SELECT number FROM events WHERE account_id = $1 AND number <= $2 ORDER BY number DESC LIMIT $3) last";
    /// The first of the oldest events that is to stay, or the last of them where all are to go.
    EXPIRED = "SELECT COALESCE(MIN(CASE WHEN id >= $2 THEN number END) - 1, MAX(number), 0), COUNT(CASE WHEN id < $2 THEN 1 END) \
        FROM (SELECT number, id FROM events WHERE account_id = $1 ORDER BY number LIMIT $3) oldest";
    /// The oldest event that a webhook which is on has not had yet. It is tried for days, and for no longer.
    OWED = "SELECT MIN(d.event) FROM deliveries d JOIN webhooks w ON w.number = d.webhook \
        WHERE w.account_id = $1 AND w.enabled = 1 AND d.state = 'pending'";
    DROP_DELIVERIES = "DELETE FROM deliveries WHERE event <= $2 AND webhook IN (SELECT number FROM webhooks WHERE account_id = $1)";
    DROP_EVENTS = "DELETE FROM events WHERE account_id = $1 AND number <= $2";
}

/// How many events one look at the log passes at the most, those that the filter leaves out included.
const LOOK: i64 = 1_000;
/// How many events one commit drops: others wait for it.
const DROPPED_AT_ONCE: u32 = 500;

/// The row's number, and the event where the row holds its data.
pub(crate) fn event(row: &mut Row) -> Result<(i64, Option<EventRow>), Error> {
    let (event, has_data) = event_with_or_without_data(row)?;
    Ok((event.number, has_data.then_some(event)))
}

/// The event, and whether the row holds its data. They are empty where it does not.
pub(crate) fn event_with_or_without_data(row: &mut Row) -> Result<(EventRow, bool), Error> {
    let number = row.int()?;
    let id = row.parsed("an event's id", EventId::parse)?;
    let session = row.text()?;
    let (sequence, kind, at) = (row.int()?, row.parsed("a kind of event", EventKind::parse)?, row.time()?);
    let data = row.opt_text()?;
    let has_data = data.is_some();
    Ok((EventRow { number, id, session: SessionId::parse(&session), sequence, kind, at, data: data.unwrap_or_default() }, has_data))
}

impl SqlStore {
    /// The account's last event up to where the log is whole.
    async fn last_whole(&self, account: &AccountId, horizon: Horizon) -> Result<i64, Error> {
        let latest = self.readers.first(&LATEST, args![account]).await?.map_or(Ok(0), |mut row| row.int())?;
        Ok(latest.min(horizon.number))
    }
}

#[async_trait]
impl EventStore for SqlStore {
    async fn announce(&self, fence: &Fence, at: Timestamp, notice: &str, event: NewEvent) -> Result<bool, Error> {
        self.announce(fence, at, notice, event).await
    }

    async fn list_events(&self, account: &AccountId, filter: &EventFilter, after: i64, limit: u32) -> Result<EventPage, Error> {
        let horizon = self.horizon.now(&self.readers).await?;
        let mut found = EventPage { rows: Vec::new(), position: after, more: false, behind: horizon.behind };
        let bound = filter.sessions.as_ref().map(|ids| listed(ids.iter().map(SessionId::as_str)));
        let kinds = (!filter.kinds.is_empty()).then(|| listed(filter.kinds.iter().map(|kind| kind.as_str())));
        let unfiltered = bound.is_none() && kinds.is_none() && filter.session.is_none() && !filter.each_step;
        let scan = if unfiltered { i64::from(limit) + 1 } else { LOOK };
        let session = filter.session.as_ref().map(SessionId::as_str);
        let is_rare = !filter.kinds.is_empty() && !filter.kinds.iter().any(|kind| OF_TEXTS.contains(kind));
        let (sql, until) = if is_rare { (&LIST_RARE, self.last_whole(account, horizon).await?) } else { (&LIST, horizon.number) };
        let rows = self.readers.fetch(sql, args![account, after, until, session, &bound, &kinds, scan, filter.each_step]).await?;
        let scanned = rows.len();
        let within = page::within(rows.iter().map(Row::size));
        for (place, mut row) in rows.into_iter().enumerate() {
            if found.rows.len() == limit as usize || place == within {
                found.more = true;
                return Ok(found);
            }
            let place_in_log = row.number();
            let (number, event) = match (event(&mut row), place_in_log) {
                (Err(Error::Corrupt(why)), Some(number)) => {
                    tracing::error!(number, why, "an event cannot be read and is left out");
                    (number, None)
                }
                (read, _) => read?,
            };
            found.rows.extend(event);
            found.position = number;
            found.more = place + 1 == scanned && i64::try_from(scanned) == Ok(scan);
        }
        if is_rare && !found.more {
            // All that is not of these kinds is passed as well.
            found.position = found.position.max(until);
        }
        Ok(found)
    }

    async fn event_number(&self, account: &AccountId, id: &EventId) -> Result<Option<i64>, Error> {
        self.readers.first(&NUMBER, args![account, id]).await?.map(|mut row| row.int()).transpose()
    }

    async fn latest_event(&self, account: &AccountId) -> Result<i64, Error> {
        let horizon = self.horizon.now(&self.readers).await?;
        self.last_whole(account, horizon).await
    }

    async fn before_last_events(&self, account: &AccountId, count: u32) -> Result<i64, Error> {
        let horizon = self.horizon.now(&self.readers).await?;
        self.readers.first(&BEFORE_LAST, args![account, horizon.number, count]).await?.map_or(Ok(0), |mut row| row.int())
    }

    async fn expire_events(&self, account: &AccountId, before: Timestamp) -> Result<u64, Error> {
        let oldest_kept = EventId::first_at(before);
        let mut total = 0;
        loop {
            let (owner, kept) = (account.clone(), oldest_kept.clone());
            let dropped = self
                .write(Place::account(account), move |tx| {
                    Box::pin(async move {
                        let Some(mut row) = tx.first(&EXPIRED, args![&owner, &kept, DROPPED_AT_ONCE]).await? else { return Ok(0) };
                        let (last, expired) = (row.int()?, row.int()?);
                        if expired == 0 || last == 0 {
                            return Ok(0);
                        }
                        let owed = tx.first(&OWED, args![&owner]).await?.map_or(Ok(None), |mut row| row.opt_int())?;
                        let last = owed.map_or(last, |owed| last.min(owed - 1));
                        tx.execute(&DROP_DELIVERIES, args![&owner, last]).await?;
                        tx.execute(&DROP_EVENTS, args![&owner, last]).await
                    })
                })
                .await?;
            total += dropped;
            if dropped < u64::from(DROPPED_AT_ONCE) {
                return Ok(total);
            }
        }
    }

    fn bell(&self) -> &Bell {
        &self.bell
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations::sqlite_plan;

    #[test]
    fn what_is_rare_is_found_among_what_is_rare_alone() {
        let plan = sqlite_plan(&LIST_RARE);
        let on_log: Vec<_> = plan.iter().filter(|step| step.split(' ').nth(1) == Some("events")).collect();
        let by_index = "SEARCH events USING INDEX events_rare (<expr>=? AND number>? AND number<?)";
        assert_eq!(on_log, [by_index], "{plan:#?}");
        assert!(plan.iter().all(|step| !step.contains("TEMP B-TREE")), "it is sorted: {plan:#?}");
    }

    #[test]
    fn the_index_has_every_kind_that_texts_do_not_have() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        for kind in EventKind::ALL {
            let of = concat!("SELECT ", is_rare!(), " FROM (SELECT ?1 AS kind)");
            let is_rare: bool = conn.query_row(of, [kind.as_str()], |row| row.get(0)).unwrap();
            assert_eq!(is_rare, !OF_TEXTS.contains(kind), "{kind:?}");
        }
        for migration in
            [include_str!("../../migrations/sqlite/0054_events.sql"), include_str!("../../migrations/postgres/0054_events.sql")]
        {
            assert!(migration.contains(is_rare!()) && migration.contains("((account_id || ''), number)"), "{migration}");
        }
    }
}
