//! Deliveries: what is due, how tries ended, what is tried once more.

use std::time::Duration;

use wharf_api::Timestamp;
use wharf_api::ids::{EventId, SessionId};
use wharf_api::types::webhook::{Attempt, DeliveryStatus};
use wharf_core::store::{
    DeliveryRow, DueDeliveries, DueDelivery, DueWebhook, Error, EventStore as _, Health, Page, PageRequest, TryRecord, UnreadableDelivery,
    WebhookRow,
};

use super::row::{json, kinds_text, parse};
use crate::dialect::Dialect;
use crate::event::{self, EventIds, event_columns, id_of, kind_of, of_account_in_log, written_before};
use crate::lane::Place;
use crate::sql::{Row, Sql, Tx, among, args, corrupt, page, spelled, statements};
use crate::store::SqlStore;

/// The cells that [`delivery`] reads.
macro_rules! delivery_columns {
    ($database:ident) => {
        concat!(
            "d.event, d.state, d.next_at, d.log, ",
            event_columns!($database, "e"),
            " FROM deliveries d JOIN events e ON e.number = d.event"
        )
    };
}

/// The cells that [`due`] reads. Who sends has no use for the log of the tries, which may be long. What waits for an event that is not
/// there is due as well: it would stand in front for ever, and be nobody's to end.
macro_rules! due_columns {
    ($database:ident) => {
        concat!("d.event, d.tries, ", event_columns!($database, "e"), " FROM deliveries d LEFT JOIN events e ON e.number = d.event")
    };
}

macro_rules! list {
    ($database:ident) => {
        concat!(
            "SELECT ",
            delivery_columns!($database),
            " WHERE d.webhook = $1 AND d.event < $2 AND (CAST($3 AS TEXT) IS NULL OR d.state = $3) ORDER BY d.event DESC LIMIT $4"
        )
    };
}
const LIST: Sql = spelled!("LIST", list);

macro_rules! find {
    ($database:ident) => {
        concat!("SELECT ", delivery_columns!($database), " WHERE d.webhook = $1 AND d.event = $2")
    };
}
const FIND: Sql = spelled!("FIND", find);

macro_rules! due_first {
    ($database:ident) => {
        concat!(
            "SELECT ",
            due_columns!($database),
            " WHERE d.webhook = $1 AND d.state = 'pending' AND d.next_at <= 0 AND d.event > $2 ORDER BY d.next_at, d.event LIMIT $3"
        )
    };
}
/// `next_at` is never negative. With `= 0` and an order by events alone SQLite walks through all deliveries of the webhook
/// instead of those that are pending.
const DUE_FIRST: Sql = spelled!("DUE_FIRST", due_first);

macro_rules! due_repeats {
    ($database:ident) => {
        concat!(
            "SELECT ",
            due_columns!($database),
            " WHERE d.webhook = $1 AND d.state = 'pending' AND d.next_at > 0 AND d.next_at <= $2 ORDER BY d.next_at, d.event LIMIT $3"
        )
    };
}
const DUE_REPEATS: Sql = spelled!("DUE_REPEATS", due_repeats);

macro_rules! last {
    ($database:ident) => {
        concat!("SELECT MAX(number) FROM events WHERE ", of_account_in_log!($database, "$1"))
    };
}
/// What is written later has its deliveries from the beginning.
const LAST: Sql = spelled!("LAST", last);

macro_rules! chunk {
    ($database:ident) => {
        concat!(
            "SELECT MAX(number) FROM (SELECT number FROM events WHERE ",
            of_account_in_log!($database, "$1"),
            " AND number >= $2 AND number <= $4 ORDER BY number LIMIT $3) chunk"
        )
    };
}
const CHUNK: Sql = spelled!("CHUNK", chunk);

/// The smallest number of those whose ids were made first after a time. Of anybody: no index has those of an account in the order of
/// their ids, and PostgreSQL would sort all that it has. SQLite has no index of times, and is asked otherwise.
const FIRST_SINCE: Sql = Sql {
    name: "FIRST_SINCE",
    sqlite: "SELECT MAX(number) FROM events",
    postgres: "SELECT MIN(number) FROM (SELECT number FROM events WHERE id >= $1 ORDER BY id LIMIT 200) newer",
};

macro_rules! from_number {
    ($database:ident) => {
        concat!("SELECT number, ", id_of!($database, "events"), " FROM events WHERE number >= $1 ORDER BY number LIMIT 1")
    };
}
/// The first event from a number on.
const FROM_NUMBER: Sql = spelled!("FROM_NUMBER", from_number);

statements! {
    NEXT_AT = "SELECT MIN(next_at) FROM deliveries WHERE webhook = $1 AND state = 'pending'";
    /// By its key: PostgreSQL mostly knows of nothing that is pending, and would go through all that is.
    DEFER = "UPDATE deliveries SET next_at = $3 WHERE webhook = $1 AND event = $2 AND state || '' = 'pending'";
    /// The log is begun anew where somebody has tried for so long that it would grow without end.
    RECORD = "UPDATE deliveries SET state = $3, next_at = $4, tries = $5, \
        log = CASE WHEN log = '' OR LENGTH(log) > 40000 THEN CAST($6 AS TEXT) ELSE log || ',' || CAST($6 AS TEXT) END \
        WHERE webhook = $1 AND event = $2 AND state = 'pending'";
    /// Whoever changed the webhook meanwhile knows better.
    FAILING_SINCE = "UPDATE webhooks SET failing_since = $2 WHERE number = $1 AND enabled = 1 AND updated_at = $3";
    DISABLE = "UPDATE webhooks SET enabled = 0, disabled_reason = $2, disabled_at = $3 WHERE number = $1 AND enabled = 1 AND updated_at = $4";
    AGAIN = "UPDATE deliveries SET state = 'pending', next_at = 0, tries = 0 \
        WHERE webhook = $1 AND event = $2";
}

/// The events of one session, where it is asked for.
macro_rules! of_session {
    (sqlite) => {
        "(CAST($6 AS TEXT) IS NULL OR session = (SELECT s.number FROM sessions s WHERE s.id = $6))"
    };
    (postgres) => {
        "(CAST($6 AS TEXT) IS NULL OR session_id = $6)"
    };
}

/// What the webhook wants of a part of the log, once more. The star is for each step once.
macro_rules! recover {
    ($database:ident) => {
        concat!(
            "INSERT INTO deliveries (webhook, event, state, next_at, tries, log) \
             SELECT CAST($1 AS BIGINT), number, 'pending', 0, 0, '' FROM events \
             WHERE ",
            of_account_in_log!($database, "$2"),
            " AND number >= $3 AND number <= $4 AND NOT ",
            written_before!($database, "$5", "$8"),
            " AND ",
            of_session!($database),
            " AND ((repeated = 0 AND '*' IN ",
            among!($database, "CAST($7 AS TEXT)"),
            ") OR ",
            kind_of!($database, "events"),
            " IN ",
            among!($database, "CAST($7 AS TEXT)"),
            ") ON CONFLICT (webhook, event) DO UPDATE SET state = 'pending', next_at = 0, tries = 0 WHERE deliveries.state <> 'delivered'"
        )
    };
}
const RECOVER: Sql = spelled!("RECOVER", recover);

/// The tries of many deliveries at once. SQLite has no lists, and needs none: its statement goes nowhere.
///
/// Each delivery is found by its key. PostgreSQL mostly knows of nothing that is pending, and would go through all that is: the list is one
/// of few rows to it by what is always true, stands for itself with the webhook, and the state in words that no index knows.
const RECORD_ALL: Sql = Sql {
    name: "RECORD_ALL",
    sqlite: RECORD.sqlite,
    postgres: "UPDATE deliveries SET state = l.state, next_at = CAST(l.next_at AS BIGINT), tries = CAST(l.tries AS BIGINT), \
        log = CASE WHEN log = '' OR LENGTH(log) > 40000 THEN l.attempt ELSE log || ',' || l.attempt END \
        FROM (SELECT CAST($1 AS BIGINT) AS hook, * \
        FROM unnest($2::TEXT[], $3::TEXT[], $4::TEXT[], $5::TEXT[], $6::TEXT[]) AS l(wanted, state, next_at, tries, attempt) \
        WHERE wanted || '' = wanted OFFSET 0) l \
        WHERE deliveries.webhook = l.hook AND deliveries.event = CAST(l.wanted AS BIGINT) AND deliveries.state || '' = 'pending'",
};
pub(super) const BY_HAND: &[Sql] = &[LIST, FIND, DUE_FIRST, DUE_REPEATS, LAST, CHUNK, FIRST_SINCE, FROM_NUMBER, RECOVER, RECORD_ALL];

/// How far ids may be out of the order of the numbers: by the time until an event is numbered, and by the difference of two clocks.
const MARGIN: Duration = Duration::from_mins(20);

/// How many events one commit of a recovery looks at: others wait for it.
const RECOVERED_AT_ONCE: u32 = 500;

fn delivery(row: &mut Row, ids: Option<&EventIds>) -> Result<(i64, DeliveryRow), Error> {
    let number = row.int()?;
    let state = row.parsed("a delivery's state", DeliveryStatus::parse)?;
    let (next_at, log) = (row.time()?, row.text()?);
    let (event, _) = event::event_with_or_without_data(row, ids)?;
    let attempts: Vec<Attempt> = parse(&format!("[{log}]")).unwrap_or_else(|error| {
        tracing::error!(number, %error, "the tries of a delivery cannot be read and are left out");
        Vec::new()
    });
    let next_at = Some(next_at).filter(|at| state == DeliveryStatus::Pending && at.as_millis() > 0);
    Ok((number, DeliveryRow { event, state, next_at, attempts }))
}

/// Puts the delivery where it belongs.
fn due(row: &mut Row, ids: Option<&EventIds>, found: &mut DueDeliveries) -> Result<(), Error> {
    // A count that is none begins anew.
    let (number, tries) = (row.int()?, u32::try_from(row.int()?).unwrap_or_default());
    let event = event::event(row, ids).and_then(|(_, event)| event.ok_or_else(|| corrupt("an event without data")));
    match event {
        Ok(event) => found.readable.push(DueDelivery { event, tries }),
        Err(Error::Corrupt(why)) => found.unreadable.push(UnreadableDelivery { event: number, tries, why }),
        Err(error) => return Err(error),
    }
    Ok(())
}

impl SqlStore {
    pub(super) async fn list_deliveries(
        &self,
        webhook: &WebhookRow,
        state: Option<DeliveryStatus>,
        request: PageRequest,
    ) -> Result<Page<DeliveryRow>, Error> {
        let before = request.after.unwrap_or(i64::MAX);
        let args = args![webhook.number, before, state.map(DeliveryStatus::as_str), page::fetch(request)];
        let rows = self.readers.walk(&webhook.account, &LIST, args).await?;
        page::cut(rows, request, |row| delivery(row, self.event_ids.as_ref()))
    }

    pub(super) async fn find_delivery(&self, webhook: &WebhookRow, event: &EventId) -> Result<Option<DeliveryRow>, Error> {
        let Some(number) = self.event_number(&webhook.account, event).await? else { return Ok(None) };
        let row = self.readers.first(&FIND, args![webhook.number, number]).await?;
        row.map(|mut row| delivery(&mut row, self.event_ids.as_ref()).map(|(_, delivery)| delivery)).transpose()
    }

    pub(super) async fn due_deliveries(
        &self,
        webhook: i64,
        now: Timestamp,
        after: i64,
        first: u32,
        repeats: u32,
    ) -> Result<DueDeliveries, Error> {
        let mut rows = self.readers.fetch(&DUE_FIRST, args![webhook, after, first]).await?;
        if repeats > 0 {
            rows.extend(self.readers.fetch(&DUE_REPEATS, args![webhook, now, repeats]).await?);
        }
        let mut found = DueDeliveries::default();
        for row in &mut rows {
            due(row, self.event_ids.as_ref(), &mut found)?;
        }
        Ok(found)
    }

    pub(super) async fn next_delivery_at(&self, webhook: i64) -> Result<Option<Timestamp>, Error> {
        let row = self.readers.first(&NEXT_AT, args![webhook]).await?;
        row.map_or(Ok(None), |mut row| row.opt_time())
    }

    pub(super) async fn record_tries(
        &self,
        due: &DueWebhook,
        tries: Vec<TryRecord>,
        health: Health,
        under: Timestamp,
    ) -> Result<(), Error> {
        let due = due.clone();
        let written: Result<Vec<_>, Error> =
            tries.into_iter().map(|record| Ok((record.attempt.as_ref().map(json).transpose()?, record))).collect();
        let written = written?;
        self.write(Place::account(&due.account), move |tx| {
            Box::pin(async move {
                let together = tx.takes_lists();
                if together {
                    record_all(tx, due.number, &written).await?;
                }
                for (attempt, record) in &written {
                    let Some(attempt) = attempt else {
                        tx.execute(&DEFER, args![due.number, record.event, record.next_at]).await?;
                        continue;
                    };
                    if together {
                        continue;
                    }
                    let args = args![due.number, record.event, record.state.as_str(), record.next_at, record.tries, attempt];
                    tx.execute(&RECORD, args).await?;
                }
                note(tx, &due, health, under).await
            })
        })
        .await
    }

    pub(super) async fn retry_delivery(&self, webhook: &WebhookRow, event: &EventId) -> Result<bool, Error> {
        let Some(event) = self.event_number(&webhook.account, event).await? else { return Ok(false) };
        let number = webhook.number;
        self.write(Place::account(&webhook.account), move |tx| {
            Box::pin(async move {
                tx.ring_webhook(number);
                Ok(tx.execute(&AGAIN, args![number, event]).await? == 1)
            })
        })
        .await
    }

    pub(super) async fn recover_deliveries(&self, webhook: &WebhookRow, since: Timestamp) -> Result<u64, Error> {
        let Some(mut from) = self.first_since(since - MARGIN).await? else { return Ok(0) };
        let mut total = 0;
        let Some(end) = self.readers.first(&LAST, args![&webhook.account]).await?.map_or(Ok(None), |mut row| row.opt_int())? else {
            return Ok(0);
        };
        loop {
            let chunk = self.readers.first(&CHUNK, args![&webhook.account, from, RECOVERED_AT_ONCE, end]).await?;
            let Some(to) = chunk.map_or(Ok(None), |mut row| row.opt_int())? else { return Ok(total) };
            let (hook, first) = (webhook.clone(), EventId::first_at(since));
            total += self
                .write(Place::account(&webhook.account), move |tx| {
                    Box::pin(async move {
                        let (session, kinds) = (hook.session.as_ref().map(SessionId::as_str), kinds_text(&hook.kinds));
                        tx.ring_webhook(hook.number);
                        tx.execute(&RECOVER, args![hook.number, &hook.account, from, to, &first, session, &kinds, since]).await
                    })
                })
                .await?;
            from = to + 1;
        }
    }
}

impl SqlStore {
    /// A number that no event of after that time is before. On SQLite it is looked for between the first and the last one by halves: their
    /// times grow with their numbers, but for less than the margin.
    async fn first_since(&self, since: Timestamp) -> Result<Option<i64>, Error> {
        let asked = EventId::first_at(since);
        let row = self.readers.first(&FIRST_SINCE, args![&asked]).await?;
        let found = row.map_or(Ok(None), |mut row| row.opt_int())?;
        let Some(last) = found.filter(|_| self.readers.dialect() == Dialect::Sqlite) else { return Ok(found) };
        let (mut before, mut from) = (0, last + 1);
        while from - before > 1 {
            let middle = before + (from - before) / 2;
            let Some(mut row) = self.readers.first(&FROM_NUMBER, args![middle]).await? else { break };
            let number = row.int()?;
            // One that cannot be read is no reason to begin behind it.
            match event::id(&mut row, number, self.event_ids.as_ref()) {
                Ok(id) if id < asked => before = number,
                Ok(_) | Err(Error::Corrupt(_)) => from = middle,
                Err(error) => return Err(error),
            }
        }
        Ok(Some(from).filter(|from| *from <= last))
    }
}

/// Writes tries down by one statement; what was no try stays out.
async fn record_all(tx: &mut Tx, webhook: i64, written: &[(Option<String>, TryRecord)]) -> Result<(), Error> {
    let tried: Vec<_> = written.iter().filter_map(|(attempt, record)| Some((attempt.as_deref()?, record))).collect();
    if tried.is_empty() {
        return Ok(());
    }
    let events: Vec<String> = tried.iter().map(|(_, record)| record.event.to_string()).collect();
    let moments: Vec<String> = tried.iter().map(|(_, record)| record.next_at.as_millis().to_string()).collect();
    let counts: Vec<String> = tried.iter().map(|(_, record)| record.tries.to_string()).collect();
    let [events, moments, counts] = [&events, &moments, &counts].map(|list| list.iter().map(String::as_str).collect::<Vec<&str>>());
    let states: Vec<&str> = tried.iter().map(|(_, record)| record.state.as_str()).collect();
    let attempts: Vec<&str> = tried.iter().map(|(attempt, _)| *attempt).collect();
    let args = args![webhook, &*events, &*states, &*moments, &*counts, &*attempts];
    tx.execute(&RECORD_ALL, args).await.map(drop)
}

/// Writes down how the webhook is, if it is still the one that was found so.
async fn note(tx: &mut Tx, due: &DueWebhook, health: Health, under: Timestamp) -> Result<(), Error> {
    match health {
        Health::AsBefore => Ok(()),
        Health::Well => tx.execute(&FAILING_SINCE, args![due.number, None::<i64>, under]).await.map(drop),
        Health::FailingSince(at) => tx.execute(&FAILING_SINCE, args![due.number, at, under]).await.map(drop),
        Health::Disabled { reason, at, event } => {
            if tx.execute(&DISABLE, args![due.number, reason.as_str(), at, under]).await? == 0 {
                return Ok(());
            }
            event::write_of_account(tx, &due.account, at, &event::drafts(vec![event])).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations::sqlite_plan;

    #[test]
    fn what_is_due_is_found_among_what_is_pending_however_much_was_delivered() {
        for sql in [DUE_FIRST, DUE_REPEATS, NEXT_AT] {
            let plan = sqlite_plan(&sql);
            assert!(plan[0].contains("deliveries_pending"), "{}: {plan:#?}", sql.name);
            assert!(plan.iter().all(|step| !step.contains("TEMP B-TREE")), "{} is sorted: {plan:#?}", sql.name);
        }
    }

    #[test]
    fn a_recovery_finds_where_it_begins_and_each_of_its_parts_in_the_order_of_an_index() {
        for (sql, index) in [
            (FROM_NUMBER, "INTEGER PRIMARY KEY (rowid>?)"),
            (LAST, "events_by_account (account=?)"),
            (CHUNK, "events_by_account (account=? AND number>? AND number<?)"),
            (RECOVER, "events_by_account (account=? AND number>? AND number<?)"),
        ] {
            let plan = sqlite_plan(&sql);
            assert!(plan.iter().any(|step| step.starts_with("SEARCH events") && step.ends_with(index)), "{}: {plan:#?}", sql.name);
            assert!(plan.iter().all(|step| !step.contains("TEMP B-TREE")), "{} is sorted: {plan:#?}", sql.name);
        }
        assert!(!FIRST_SINCE.postgres.contains("account_id"), "PostgreSQL would sort what the account has");
    }

    #[test]
    fn a_try_is_written_down_by_the_key_of_its_delivery_however_much_is_pending() {
        for sql in [RECORD, DEFER] {
            let plan = sqlite_plan(&sql);
            assert_eq!(plan, ["SEARCH deliveries USING PRIMARY KEY (webhook=? AND event=?)"], "{}", sql.name);
        }
        // With these words PostgreSQL may take the index of what is pending, which has the event behind the time.
        for sql in [RECORD_ALL, DEFER] {
            assert!(!sql.postgres.contains("state = 'pending'"), "{}", sql.name);
        }
    }
}
