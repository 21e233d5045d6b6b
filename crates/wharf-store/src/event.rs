//! Events: written in the transaction of what they announce, with the session's next numbers and a delivery to every webhook
//! that wants them.

mod ids;
mod notice;
mod of_message;
mod packed;
mod read;
mod shape;

pub(crate) use ids::EventIds;
pub(crate) use notice::forget_all as forget_notices;
pub use of_message::message_of;
pub(crate) use of_message::of_message;
pub use packed::told_in;
pub(crate) use read::{
    event, event_columns, event_head, event_with_or_without_data, id, id_of, kind_of, session_of, told, told_by, told_no_more,
    written_before,
};

use std::sync::Arc;

use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, SessionId};
use wharf_api::types::event::EventKind;
use wharf_api::types::message::MessageStatus;
use wharf_core::message::{events_of, kinds_of, view};
use wharf_core::store::{Error, MessageRow, NewEvent};

use crate::group_end::{self, GROUP_END, wants};
use crate::horizon::writing;
use crate::sql::{Arg, KeptKey, KeptWrite, Sql, Tx, args, corrupt, spelled, statements};

use packed::Told;
use read::letter;

macro_rules! of_session {
    () => {
        "event_sequence, deleted, (SELECT COUNT(*) FROM webhooks w WHERE w.account_id = $2 AND w.enabled = 1)"
    };
}
macro_rules! of_account {
    () => {
        "event_sequence, CAST(0 AS BIGINT), (SELECT COUNT(*) FROM webhooks w WHERE w.account_id = $1 AND w.enabled = 1)"
    };
}

/// The events of an account, whose id is an argument. On SQLite their rows have its number.
macro_rules! of_account_in_log {
    (sqlite, $account:literal) => {
        concat!("account = (SELECT a.number FROM accounts a WHERE a.id = ", $account, ")")
    };
    (postgres, $account:literal) => {
        concat!("account_id = ", $account)
    };
}
pub(crate) use of_account_in_log;

/// SQLite's rows name account and session by their numbers.
macro_rules! written_of {
    (sqlite) => {
        concat!(
            "(SELECT w.number, w.repeated, ",
            kind_of!(sqlite, "w"),
            " AS kind, a.id AS account_id, s.id AS session_id FROM events w JOIN accounts a ON a.number = w.account \
             LEFT JOIN sessions s ON s.number = w.session WHERE w.number IN ($1, $2)) e"
        )
    };
    (postgres) => {
        "(SELECT * FROM events WHERE id IN ($1, $2)) e"
    };
}

macro_rules! deliver {
    ($database:ident) => {
        concat!(
            "INSERT INTO deliveries (webhook, event, state, next_at, tries, log) \
             SELECT w.number, e.number, 'pending', 0, 0, '' FROM ",
            written_of!($database),
            " JOIN webhooks w ON w.account_id = e.account_id WHERE ",
            wants!($database),
            " RETURNING webhook"
        )
    };
}

statements! {
    /// Locks the session's row to the end of the commit: on PostgreSQL the numbers of its messages and events then grow
    /// in the order of the commits. Has the readers of the log know that numbers will be drawn. Tells too whether anybody wants deliveries,
    /// which saves the others a statement.
    SEQUENCE = "UPDATE sessions SET event_sequence = event_sequence + $3 WHERE id = $1 AND account_id = $2",
        postgres concat!(" RETURNING ", of_session!(), writing!());
    AFTER = concat!("SELECT ", of_session!(), " FROM sessions WHERE id = $1 AND account_id = $2");
    SET_SEQUENCE = "UPDATE sessions SET event_sequence = $3 WHERE id = $1 AND account_id = $2";
    /// Locks the account's row in the same way, and sets numbers for its own events aside.
    ACCOUNT_SEQUENCE = "UPDATE accounts SET event_sequence = event_sequence + $2 WHERE id = $1",
        postgres concat!(" RETURNING ", of_account!(), writing!());
    ACCOUNT_AFTER = concat!("SELECT ", of_account!(), " FROM accounts WHERE id = $1");
}

/// What webhooks want of the one or two events that were just written: SQLite knows them by their numbers, PostgreSQL by their ids.
const DELIVER: Sql = spelled!("DELIVER", deliver);

/// By what rows of the log name an account and a session on SQLite. PostgreSQL's statement goes nowhere.
const NUMBERS: Sql = Sql {
    name: "NUMBERS",
    sqlite: "SELECT a.number, COALESCE((SELECT s.number FROM sessions s WHERE s.id = ?2), 0) FROM accounts a WHERE a.id = ?1",
    postgres: "SELECT s.number, s.number FROM sessions s WHERE s.account_id = $1 AND s.id = $2",
};

/// What `SEQUENCE` tells, for a group of writes: it draws its numbers from memory, and writes the last one. The session is found by its id
/// alone: a plan that is kept from when PostgreSQL had counted few sessions would go through all of the account's.
pub(crate) const KEPT: Sql = Sql {
    name: "KEPT",
    sqlite: AFTER.sqlite,
    postgres: concat!("SELECT ", of_session!(), writing!(), " FROM sessions WHERE id = $1 AND account_id || '' = $2 FOR UPDATE"),
};

/// SQLite's rows have no ids, and numbers for account and session.
const INSERT_ONE: Sql = Sql {
    name: "INSERT_ONE",
    sqlite: "INSERT INTO events (account, session, sequence, kind, at, late, data, repeated) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    postgres: "INSERT INTO events (id, account_id, session_id, sequence, kind, at, data, repeated) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
};

/// Two at once. SQLite keeps a journal for a statement of several rows, unless it may leave the first one there when the second one fails:
/// the write is undone then as a whole.
const INSERT_TWO: Sql = Sql {
    name: "INSERT_TWO",
    sqlite: "INSERT OR FAIL INTO events (account, session, sequence, kind, at, late, data, repeated) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8), (?1, ?2, ?9, ?10, ?5, ?6, ?11, ?12)",
    postgres: "INSERT INTO events (id, account_id, session_id, sequence, kind, at, data, repeated) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8), ($9, $2, $3, $10, $11, $6, $12, $13)",
};

/// Writes the last number back.
const LAST: KeptWrite = KeptWrite { sql: &SET_SEQUENCE, numbers: 1, joint: &GROUP_END, part: group_end::SEQUENCES };

pub(crate) fn all() -> [&'static [Sql]; 6] {
    [ALL, &[DELIVER, NUMBERS, KEPT, INSERT_ONE, INSERT_TWO], ids::ALL, notice::ALL, read::ALL, read::BY_HAND]
}

/// An event as it is written.
#[derive(Clone)]
pub(crate) struct Draft {
    kind: EventKind,
    data: Data,
    /// The next one tells the same step under a kind of its own.
    repeated: bool,
}

impl Draft {
    fn words(&self) -> Result<&str, Error> {
        match &self.data {
            Data::Words(words) => Ok(words),
            Data::AsItsRow(_) => Err(corrupt("an event without its message")),
        }
    }
}

/// What an event tells.
#[derive(Clone, PartialEq, Eq)]
enum Data {
    /// JSON.
    Words(Arc<str>),
    /// What its message told in that status, which its row tells for good.
    AsItsRow(MessageStatus),
}

/// The events of one step stand one after the other: the one for all steps, then the one for this.
pub(crate) fn drafts(events: Vec<NewEvent>) -> Vec<Draft> {
    each_with_the_next(events.into_iter().map(|event| (event.kind, Data::Words(event.data))).collect())
}

/// Those that announce the status of a message.
pub(crate) fn drafts_of(row: &MessageRow) -> Vec<Draft> {
    if of_message::may_refer(row) {
        each_with_the_next(kinds_of(row).into_iter().map(|kind| (kind, Data::AsItsRow(row.status))).collect())
    } else {
        drafts(events_of(row))
    }
}

fn each_with_the_next(events: Vec<(EventKind, Data)>) -> Vec<Draft> {
    let repeats = |place: usize| events.get(place + 1).is_some_and(|(next, _)| next.umbrella() == Some(events[place].0));
    let repeated: Vec<bool> = (0..events.len()).map(repeats).collect();
    events.into_iter().zip(repeated).map(|((kind, data), repeated)| Draft { kind, data, repeated }).collect()
}

/// The numbers that were set aside for some events of a session.
pub(crate) struct Numbers {
    next: i64,
    /// The session is deleted: its messages must not be sent any more.
    pub deleted: bool,
    /// The account has a webhook that is on.
    hooked: bool,
}

/// Sets the session's next `count` numbers aside.
pub(crate) async fn reserve(tx: &mut Tx, account: &AccountId, session: &SessionId, count: usize) -> Result<Numbers, Error> {
    let count = i64::try_from(count).map_err(|_| corrupt("too many events"))?;
    if tx.keeps_rows() {
        let kept = tx.keep(&KEPT, args![session, account], None).await?.ok_or_else(|| not_its_own(session))?;
        kept.write = Some(LAST);
        let [sequence, deleted, hooks] = &mut kept.numbers;
        let (from, to) = (*sequence, *sequence + count);
        let numbers = Numbers { next: from + 1, deleted: *deleted != 0, hooked: *hooks != 0 };
        *sequence = to;
        tx.drew(session, from, to);
        tx.ring(account);
        return Ok(numbers);
    }
    let row = tx.change(&SEQUENCE, &AFTER, args![session, account, count]).await?;
    let mut row = row.ok_or_else(|| not_its_own(session))?;
    tx.ring(account);
    Ok(Numbers { next: row.int()? - count + 1, deleted: row.flag()?, hooked: row.flag()? })
}

/// The row from which a group of writes draws the session's numbers.
pub(crate) fn kept(account: &AccountId, session: &SessionId) -> Result<KeptKey, Error> {
    KeptKey::new(&KEPT, args![session, account])
}

fn not_its_own(session: &SessionId) -> Error {
    corrupt(format!("events for {session}, which the account does not have"))
}

/// Writes events of one moment and one message under numbers that were set aside. `number` is the message's, where its row is what they tell.
pub(crate) async fn insert(
    tx: &mut Tx,
    row: &MessageRow,
    number: Option<i64>,
    numbers: &mut Numbers,
    at: Timestamp,
    events: &[Draft],
) -> Result<(), Error> {
    let late = tx.written_at().as_millis() - at.as_millis();
    let number = number.filter(|_| !tx.takes_lists() && late <= of_message::LATEST_MS);
    if number.is_some() {
        return insert_as(tx, &row.account, row.session.as_str(), numbers, at, Drafts { events, message: number }).await;
    }
    let events = in_words(row, events);
    insert_as(tx, &row.account, row.session.as_str(), numbers, at, Drafts { events: &events, message: None }).await
}

/// Sets numbers aside and writes the events under them.
pub(crate) async fn write(tx: &mut Tx, account: &AccountId, session: &SessionId, at: Timestamp, events: &[Draft]) -> Result<(), Error> {
    if events.is_empty() {
        return Ok(());
    }
    let mut numbers = reserve(tx, account, session, events.len()).await?;
    insert_as(tx, account, session.as_str(), &mut numbers, at, Drafts { events, message: None }).await
}

/// Sets numbers aside for events of the message with that number, and writes them.
pub(crate) async fn write_of(tx: &mut Tx, row: &MessageRow, number: i64, at: Timestamp, events: &[Draft]) -> Result<(), Error> {
    if events.is_empty() {
        return Ok(());
    }
    let mut numbers = reserve(tx, &row.account, &row.session, events.len()).await?;
    insert(tx, row, Some(number), &mut numbers, at, events).await
}

/// These events, none of which leaves what it tells to the message's row.
fn in_words(row: &MessageRow, events: &[Draft]) -> Vec<Draft> {
    let mut in_words: Vec<Draft> = Vec::with_capacity(events.len());
    for (place, draft) in events.iter().enumerate() {
        let data = match draft.data {
            Data::Words(_) => draft.data.clone(),
            // Two of one step share them.
            Data::AsItsRow(_) if place > 0 && events[place - 1].data == draft.data => in_words[place - 1].data.clone(),
            Data::AsItsRow(status) => {
                let mut message = view(row);
                message.status = status;
                Data::Words(NewEvent::new(draft.kind, &message).data)
            }
        };
        in_words.push(Draft { data, ..*draft });
    }
    in_words
}

/// Writes events that belong to the account and to none of its sessions, under numbers set aside.
pub(crate) async fn write_of_account(tx: &mut Tx, account: &AccountId, at: Timestamp, events: &[Draft]) -> Result<(), Error> {
    let count = i64::try_from(events.len()).map_err(|_| corrupt("too many events"))?;
    let row = tx.change(&ACCOUNT_SEQUENCE, &ACCOUNT_AFTER, args![account, count]).await?;
    let mut row = row.ok_or_else(|| corrupt(format!("events for {account}, which is not there")))?;
    let mut numbers = Numbers { next: row.int()? - count + 1, deleted: row.flag()?, hooked: row.flag()? };
    tx.ring(account);
    insert_as(tx, account, "", &mut numbers, at, Drafts { events, message: None }).await
}

/// Events of one moment, with the number of the message that all of them are of.
#[derive(Clone, Copy)]
struct Drafts<'d> {
    events: &'d [Draft],
    message: Option<i64>,
}

async fn insert_as(
    tx: &mut Tx,
    account: &AccountId,
    session: &str,
    numbers: &mut Numbers,
    at: Timestamp,
    drafts: Drafts<'_>,
) -> Result<(), Error> {
    if tx.lists_rows() {
        return list_as(tx, account, session, numbers, at, drafts.events);
    }
    if !tx.takes_lists() {
        return insert_lean(tx, account, session, numbers, at, drafts).await;
    }
    for pair in drafts.events.chunks(2) {
        let (first, number) = (tx.event_id(), numbers.next);
        let mut second = None;
        numbers.next += 1;
        match pair {
            [one, two] => {
                let other = tx.event_id();
                numbers.next += 1;
                let args = args![
                    &first,
                    account,
                    session,
                    number,
                    one.kind.as_str(),
                    at,
                    one.words()?,
                    one.repeated,
                    &other,
                    number + 1,
                    two.kind.as_str(),
                    two.words()?,
                    two.repeated,
                ];
                tx.execute(&INSERT_TWO, args).await?;
                second = Some(other);
            }
            [one] => {
                tx.execute(&INSERT_ONE, args![&first, account, session, number, one.kind.as_str(), at, one.words()?, one.repeated]).await?;
            }
            _ => {}
        }
        if numbers.hooked {
            deliver(tx, args![&first, second.as_ref().unwrap_or(&first)]).await?;
        }
    }
    Ok(())
}

/// On SQLite: packed, or as the message's row tells it, and by numbers and letters.
async fn insert_lean(
    tx: &mut Tx,
    account: &AccountId,
    session: &str,
    numbers: &mut Numbers,
    at: Timestamp,
    Drafts { events, message }: Drafts<'_>,
) -> Result<(), Error> {
    let (of_account, of_session) = numbers_of(tx, account, session).await?;
    let late = tx.written_at().as_millis() - at.as_millis();
    let told = |place: usize| told(session, message, events.get(place..).unwrap_or_default());
    for (place, pair) in events.chunks(2).enumerate() {
        let number = numbers.next;
        match pair {
            [one, two] => {
                numbers.next += 2;
                let (first, second) = (told(2 * place)?, told(2 * place + 1)?);
                let args = args![
                    of_account,
                    of_session,
                    number,
                    letter(one.kind),
                    at,
                    late,
                    &first,
                    one.repeated,
                    number + 1,
                    letter(two.kind),
                    &second,
                    two.repeated,
                ];
                tx.execute(&INSERT_TWO, args).await?;
            }
            [one] => {
                numbers.next += 1;
                let told = told(2 * place)?;
                tx.execute(&INSERT_ONE, args![of_account, of_session, number, letter(one.kind), at, late, &told, one.repeated]).await?;
            }
            _ => {}
        }
        if numbers.hooked {
            let last = tx.last_number().ok_or_else(|| corrupt("an event without a number"))?;
            let first = if pair.len() == 2 { last - 1 } else { last };
            deliver(tx, args![first, last]).await?;
        }
    }
    Ok(())
}

/// By which numbers rows of the log name an account and a session, or none of its sessions. They never change, and are read once.
async fn numbers_of(tx: &mut Tx, account: &AccountId, session: &str) -> Result<(i64, i64), Error> {
    if let Some(numbers) = tx.numbers_of(account, session) {
        return Ok(numbers);
    }
    let row = tx.first(&NUMBERS, args![account, session]).await?;
    let mut row = row.ok_or_else(|| corrupt(format!("events for {account}, which is not there")))?;
    let numbers = (row.int()?, row.int()?);
    if (numbers.1 == 0) != session.is_empty() {
        return Err(corrupt(format!("events for {session}, which is not there")));
    }
    tx.remember_numbers(account, session, numbers);
    Ok(numbers)
}

/// What the row of the first of these events has on SQLite: nothing where the second, which is of the same step, tells the very same. `told!`
/// reads it. Only SQLite numbers the two one after the other: it has one writer.
fn told<'e>(session: &str, message: Option<i64>, events: &'e [Draft]) -> Result<Told<'e>, Error> {
    match (events, message) {
        ([first, second, ..], _) if first.repeated && first.data == second.data => Ok(Told::Plain("")),
        ([Draft { data: Data::AsItsRow(status), .. }, ..], Some(number)) => Ok(Told::OfMessage(of_message::refer(number, *status))),
        ([first, ..], _) => first.words().map(|words| Told::of(session, words)),
        ([], _) => Ok(Told::Plain("")),
    }
}

/// Those of a group of writes: they go with its end, and so do their deliveries.
fn list_as(tx: &mut Tx, account: &AccountId, session: &str, numbers: &mut Numbers, at: Timestamp, events: &[Draft]) -> Result<(), Error> {
    for event in events {
        let (id, sequence) = (tx.event_id(), numbers.next);
        numbers.next += 1;
        let row = args![&id, account, session, sequence, event.kind.as_str(), at, event.words()?, event.repeated, numbers.hooked];
        tx.list(&GROUP_END, group_end::EVENTS, row);
    }
    Ok(())
}

/// Has the one or two events delivered to every webhook that wants them.
async fn deliver(tx: &mut Tx, events: &[Arg<'_>]) -> Result<(), Error> {
    for mut row in tx.fetch(&DELIVER, events).await? {
        tx.ring_webhook(row.int()?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations::sqlite_plan;

    #[test]
    fn who_wants_an_event_is_looked_for_among_the_webhooks_of_its_account_alone() {
        let plan = sqlite_plan(&DELIVER);
        let searched = |table: &str, index: &str| plan.iter().any(|step| step.starts_with(table) && step.contains(index));
        assert!(searched("SEARCH w ", "INTEGER PRIMARY KEY"), "{plan:?}");
        assert!(searched("SEARCH w ", "webhooks_by_account"), "{plan:?}");
    }
}
