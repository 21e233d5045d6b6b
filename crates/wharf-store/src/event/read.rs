//! The log as it is read: in the order of the numbers, up to where no number can come any more.

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, EventId, SessionId};
use wharf_api::types::event::EventKind;
use wharf_core::event::Bell;
use wharf_core::store::{Error, EventFilter, EventPage, EventRow, EventStore, Fence, NewEvent};

use super::{EventIds, of_account_in_log, of_message, packed};
use crate::horizon::Horizon;
use crate::lane::Place;
use crate::sql::{Row, Sql, Tx, among, args, corrupt, listed, page, spelled, statements};
use crate::store::SqlStore;

/// The kinds that the life of a text has: most of any log is of them.
const OF_TEXTS: [EventKind; 5] =
    [EventKind::MessageReceived, EventKind::MessageStatus, EventKind::MessageSent, EventKind::MessageDelivered, EventKind::MessageRead];

/// A kind as a row of SQLite has it: those of texts by a letter, which `kind_of!` reads.
pub(super) const fn letter(kind: EventKind) -> &'static str {
    match kind {
        EventKind::MessageReceived => "i",
        EventKind::MessageStatus => "s",
        EventKind::MessageSent => "o",
        EventKind::MessageDelivered => "d",
        EventKind::MessageRead => "r",
        other => other.as_str(),
    }
}

/// The kind of an event. Rows of SQLite have those of texts by a letter, and older ones by their names.
macro_rules! kind_of {
    (sqlite, $event:literal) => {
        concat!(
            "CASE ",
            $event,
            ".kind WHEN 's' THEN 'message.status' WHEN 'o' THEN 'message.sent' WHEN 'd' THEN 'message.delivered' \
             WHEN 'r' THEN 'message.read' WHEN 'i' THEN 'message.received' ELSE ",
            $event,
            ".kind END"
        )
    };
    (postgres, $event:literal) => {
        concat!($event, ".kind")
    };
}

/// All other kinds, as the index `events_rare` has them: kind by kind, for SQLite would make a table of a list with each event that is
/// written.
macro_rules! is_rare {
    (sqlite) => {
        concat!(is_rare!(postgres), " AND kind <> 's' AND kind <> 'o' AND kind <> 'd' AND kind <> 'r' AND kind <> 'i'")
    };
    (postgres) => {
        "kind <> 'message.status' AND kind <> 'message.sent' AND kind <> 'message.delivered' AND kind <> 'message.read' \
         AND kind <> 'message.received'"
    };
}

/// What an event tells. On SQLite the first of two that tell one step leaves it to the second, which stands right behind it for as long as
/// the first is there: events go from the oldest on, and nothing changes one. And it may be a number, of what the row of its message tells.
/// PostgreSQL has no such rows.
macro_rules! told {
    (sqlite, $event:literal) => {
        concat!(
            "(SELECT CASE typeof(t.data) WHEN 'integer' THEN ",
            $crate::event::of_message!("t.data"),
            " ELSE t.data END FROM (SELECT CASE WHEN ",
            $event,
            ".data = '' THEN (SELECT n.data FROM events n WHERE n.number = ",
            $event,
            ".number + 1 AND n.session = ",
            $event,
            ".session) ELSE ",
            $event,
            ".data END AS data) t)"
        )
    };
    (postgres, $event:literal) => {
        concat!("NULLIF(", $event, ".data, '')")
    };
}

/// The id of an event's session, empty for those of the account itself.
macro_rules! session_of {
    (sqlite, $event:literal) => {
        concat!("COALESCE((SELECT s.id FROM sessions s WHERE s.number = ", $event, ".session), '')")
    };
    (postgres, $event:literal) => {
        concat!($event, ".session_id")
    };
}

/// The id of an event. Where SQLite's row has none it is when it was written, of which the id is made.
macro_rules! id_of {
    (sqlite, $event:literal) => {
        concat!("COALESCE(", $event, ".id, ", $event, ".at + ", $event, ".late)")
    };
    (postgres, $event:literal) => {
        concat!($event, ".id")
    };
}

/// The cells that [`event_with_or_without_data`] reads, but for the last one, which is what the event tells.
macro_rules! event_head {
    ($database:ident, $event:literal) => {
        concat!(
            $event,
            ".number, ",
            $crate::event::id_of!($database, $event),
            ", ",
            $crate::event::session_of!($database, $event),
            ", ",
            $event,
            ".sequence, ",
            $crate::event::kind_of!($database, $event),
            ", ",
            $event,
            ".at, "
        )
    };
}

/// Whether an event was written before a time: by an id that could be the first of then, or, where its row has none, by the time itself.
macro_rules! written_before {
    (sqlite, $id:literal, $at:literal) => {
        concat!("(CASE WHEN id IS NULL THEN at + late < ", $at, " ELSE id < ", $id, " END)")
    };
    (postgres, $id:literal, $at:literal) => {
        concat!("(CAST(", $at, " AS BIGINT) IS NOT NULL AND id < ", $id, ")")
    };
}

/// The cells that [`event`] reads.
macro_rules! event_columns {
    ($database:ident, $event:literal) => {
        concat!($crate::event::event_head!($database, $event), $crate::event::told!($database, $event))
    };
}
pub(crate) use {event_columns, event_head, id_of, kind_of, session_of, told, written_before};

/// The events of one session, and of some, where they are asked for.
macro_rules! of_sessions {
    (sqlite) => {
        concat!(
            "(CAST($4 AS TEXT) IS NULL OR session = (SELECT s.number FROM sessions s WHERE s.id = $4)) \
             AND (CAST($5 AS TEXT) IS NULL OR session IN (SELECT s.number FROM sessions s WHERE s.id IN ",
            among!(sqlite, "$5"),
            "))"
        )
    };
    (postgres) => {
        concat!(
            "(CAST($4 AS TEXT) IS NULL OR session_id = $4) AND (CAST($5 AS TEXT) IS NULL OR session_id IN ",
            among!(postgres, "$5"),
            ")"
        )
    };
}

/// What does not pass comes without its data, so that a reader moves past it.
macro_rules! look {
    ($database:ident, $log:literal, $of:expr) => {
        concat!(
            "SELECT ",
            event_head!($database, "events"),
            "CASE WHEN ",
            of_sessions!($database),
            " AND (CAST($6 AS TEXT) IS NULL OR ",
            kind_of!($database, "events"),
            " IN ",
            among!($database, "$6"),
            ") AND (CAST($8 AS BIGINT) = 0 OR repeated = 0) THEN ",
            told!($database, "events"),
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
        look!($database, "events", of_account_in_log!($database, "$1"))
    };
}
/// Names the index to SQLite. PostgreSQL finds it by its conditions.
macro_rules! list_rare {
    (sqlite) => {
        look!(sqlite, "events INDEXED BY events_rare", concat!(of_account_in_log!(sqlite, "$1"), " AND ", is_rare!(sqlite)))
    };
    (postgres) => {
        look!(postgres, "events", concat!("account_id || '' = $1 AND ", is_rare!(postgres)))
    };
}
const LIST: Sql = spelled!("LIST", list);
const LIST_RARE: Sql = spelled!("LIST_RARE", list_rare);

macro_rules! number {
    ($database:ident) => {
        concat!("SELECT number FROM events WHERE id = $2 AND ", of_account_in_log!($database, "$1"))
    };
}
/// Of an event whose id stands in its row.
const NUMBER: Sql = spelled!("NUMBER", number);

macro_rules! written_at {
    ($database:ident) => {
        concat!(
            "SELECT ",
            id_of!($database, "events"),
            " FROM events WHERE number = $2 AND id IS NULL AND ",
            of_account_in_log!($database, "$1")
        )
    };
}
/// When the event with a number was written whose id stands in no row. PostgreSQL has none.
const WRITTEN_AT: Sql = spelled!("WRITTEN_AT", written_at);

macro_rules! latest {
    ($database:ident) => {
        concat!("SELECT COALESCE(MAX(number), 0) FROM events WHERE ", of_account_in_log!($database, "$1"))
    };
}
const LATEST: Sql = spelled!("LATEST", latest);

macro_rules! before_last {
    ($database:ident) => {
        concat!(
            "SELECT COALESCE(MIN(number) - 1, 0) FROM (SELECT number FROM events WHERE ",
            of_account_in_log!($database, "$1"),
            " AND number <= $2 ORDER BY number DESC LIMIT $3) last"
        )
    };
}
const BEFORE_LAST: Sql = spelled!("BEFORE_LAST", before_last);

macro_rules! expired {
    ($database:ident) => {
        concat!(
            "SELECT COALESCE(MIN(CASE WHEN expired THEN NULL ELSE number END) - 1, MAX(number), 0), COUNT(CASE WHEN expired THEN 1 END) \
             FROM (SELECT number, ",
            written_before!($database, "$2", "$4"),
            " AS expired FROM events WHERE ",
            of_account_in_log!($database, "$1"),
            " ORDER BY number LIMIT $3) oldest"
        )
    };
}
/// The first of the oldest events that is to stay, or the last of them where all are to go.
const EXPIRED: Sql = spelled!("EXPIRED", expired);

macro_rules! drop_events {
    ($database:ident) => {
        concat!("DELETE FROM events WHERE ", of_account_in_log!($database, "$1"), " AND number <= $2")
    };
}
const DROP_EVENTS: Sql = spelled!("DROP_EVENTS", drop_events);

/// When the oldest event was written that is there. SQLite's events are read with their messages; PostgreSQL's statement goes nowhere.
const OLDEST: Sql = Sql {
    name: "OLDEST",
    sqlite: concat!("SELECT at + late FROM events WHERE ", of_account_in_log!(sqlite, "$1"), " ORDER BY number LIMIT 1"),
    postgres: "SELECT at FROM events WHERE account_id = $1 ORDER BY number LIMIT 1",
};

pub(super) const BY_HAND: &[Sql] = &[LIST, LIST_RARE, NUMBER, WRITTEN_AT, LATEST, BEFORE_LAST, EXPIRED, DROP_EVENTS, OLDEST];

statements! {
    /// The oldest event that a webhook which is on has not had yet. It is tried for days, and for no longer.
    OWED = "SELECT MIN(d.event) FROM deliveries d JOIN webhooks w ON w.number = d.webhook \
        WHERE w.account_id = $1 AND w.enabled = 1 AND d.state = 'pending'";
    /// What texts said first that have changed since, where no event tells it any more.
    DROP_ORIGINALS = "DELETE FROM originals WHERE account_id = $1 AND event <= $2";
    DROP_DELIVERIES = "DELETE FROM deliveries WHERE event <= $2 AND webhook IN (SELECT number FROM webhooks WHERE account_id = $1)";
}

/// How many events one look at the log passes at the most, those that the filter leaves out included.
const LOOK: i64 = 1_000;
/// How many events one commit drops: others wait for it.
const DROPPED_AT_ONCE: u32 = 500;

/// The row's number, and the event where the row holds its data. `ids` are for rows that have none.
pub(crate) fn event(row: &mut Row, ids: Option<&EventIds>) -> Result<(i64, Option<EventRow>), Error> {
    let (event, has_data) = event_with_or_without_data(row, ids)?;
    Ok((event.number, has_data.then_some(event)))
}

/// The event, and whether the row holds its data. They are empty where it does not.
pub(crate) fn event_with_or_without_data(row: &mut Row, ids: Option<&EventIds>) -> Result<(EventRow, bool), Error> {
    let number = row.int()?;
    let id = id(row, number, ids)?;
    let session = row.text()?;
    let (sequence, kind, at) = (row.int()?, row.parsed("a kind of event", EventKind::parse)?, row.time()?);
    let data = told_by(row, &session)?;
    let has_data = data.is_some();
    Ok((EventRow { number, id, session: SessionId::parse(&session), sequence, kind, at, data: data.unwrap_or_default() }, has_data))
}

/// The id of the event with that number.
pub(crate) fn id(row: &mut Row, number: i64, ids: Option<&EventIds>) -> Result<EventId, Error> {
    match (row.int_for_text(), ids) {
        (Some(written_at), Some(ids)) => Ok(ids.id(Timestamp::from_millis(written_at), number)),
        (Some(_), None) => Err(corrupt("an event without an id")),
        (None, _) => row.parsed("an event's id", EventId::parse),
    }
}

/// Up to when messages may go that were touched last before a time: the log has no event any more of what happened until then.
pub(crate) async fn told_no_more(tx: &mut Tx, account: &AccountId, before: Timestamp) -> Result<Timestamp, Error> {
    if tx.takes_lists() {
        return Ok(before);
    }
    let oldest = tx.first(&OLDEST, args![account]).await?.map(|mut row| row.time()).transpose()?;
    Ok(oldest.map_or(before, |oldest| before.min(oldest.plus_millis(-of_message::LATEST_MS))))
}

/// What the next cell of an event of this session tells.
pub(crate) fn told_by(row: &mut Row, session: &str) -> Result<Option<String>, Error> {
    row.opt_text_or_bytes()?.map(|told| packed::read(session, told)).transpose()
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
            let (number, event) = match (event(&mut row, self.event_ids.as_ref()), place_in_log) {
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
        if let Some(ids) = &self.event_ids
            && let Some(number) = ids.number(id)
            && let Some(mut row) = self.readers.first(&WRITTEN_AT, args![account, number]).await?
            && ids.id(row.time()?, number) == *id
        {
            return Ok(Some(number));
        }
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
                        let Some(mut row) = tx.first(&EXPIRED, args![&owner, &kept, DROPPED_AT_ONCE, before]).await? else { return Ok(0) };
                        let (last, expired) = (row.int()?, row.int()?);
                        if expired == 0 || last == 0 {
                            return Ok(0);
                        }
                        let owed = tx.first(&OWED, args![&owner]).await?.map_or(Ok(None), |mut row| row.opt_int())?;
                        let last = owed.map_or(last, |owed| last.min(owed - 1));
                        tx.execute(&DROP_DELIVERIES, args![&owner, last]).await?;
                        tx.execute(&DROP_ORIGINALS, args![&owner, last]).await?;
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
        let by_index = "SEARCH events USING INDEX events_rare (account=? AND number>? AND number<?)";
        assert_eq!(on_log, [by_index], "{plan:#?}");
        assert!(plan.iter().all(|step| !step.contains("TEMP B-TREE")), "it is sorted: {plan:#?}");
    }

    #[test]
    fn the_index_has_every_kind_that_texts_do_not_have() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        for kind in EventKind::ALL {
            let of = concat!("SELECT ", is_rare!(sqlite), " FROM (SELECT ?1 AS kind)");
            for spelled in [kind.as_str(), letter(*kind)] {
                let is_rare: bool = conn.query_row(of, [spelled], |row| row.get(0)).unwrap();
                assert_eq!(is_rare, !OF_TEXTS.contains(kind), "{kind:?}");
            }
        }
        let on_sqlite = (include_str!("../../migrations/sqlite/0056_letters.sql"), "(account, number)", is_rare!(sqlite));
        let on_postgres = (include_str!("../../migrations/postgres/0054_events.sql"), "((account_id || ''), number)", is_rare!(postgres));
        for (migration, columns, condition) in [on_sqlite, on_postgres] {
            assert!(migration.contains(condition) && migration.contains(columns), "{migration}");
        }
    }

    #[test]
    fn every_kind_is_read_as_it_was_written_by_its_letter_or_its_name() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        for kind in EventKind::ALL {
            for spelled in [kind.as_str(), letter(*kind)] {
                let sql = concat!("SELECT ", kind_of!(sqlite, "e"), " FROM (SELECT ?1 AS kind) e");
                let read: String = conn.query_row(sql, [spelled], |row| row.get(0)).unwrap();
                assert_eq!(EventKind::parse(&read), Some(*kind), "{spelled}");
            }
        }
    }
}
