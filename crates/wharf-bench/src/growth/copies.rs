//! A long history out of a short one: what the gateway wrote for some messages is copied, with ids and times of its own, in the order in
//! which it would have been written.
//!
//! What was there becomes the oldest: numbers grow with time, as they do in a log that has grown by itself.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::Value;

/// A table with a row for each message, or some.
struct CopiedTable {
    name: &'static str,
    /// The column with the message's number.
    message: &'static str,
    /// What moves with the time of the message.
    times: &'static [&'static str],
    others: &'static [(&'static str, &'static str)],
}

const TABLES: [CopiedTable; 4] = [
    CopiedTable {
        name: "messages",
        message: "number",
        times: &["created_at", "expires_at", "sent_at", "delivered_at", "read_at", "played_at", "failed_at"],
        others: &[("id", "c.new_id"), ("wa_id", "c.new_wa_id")],
    },
    CopiedTable { name: "outgoing", message: "message", times: &["claimed_at"], others: &[] },
    CopiedTable { name: "message_steps", message: "message", times: &["at"], others: &[] },
    CopiedTable { name: "message_receipts", message: "message", times: &["delivered_at", "read_at", "played_at"], others: &[] },
];

/// Nobody reads the file meanwhile, and one that broke off is thrown away.
const FAST: &str = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -524288;";

/// What is copied. `told` has which message an event is of. `copied` has one copy at a time: which message becomes which, and how far its
/// times move.
const SAMPLE: &str = "\
    CREATE TEMP TABLE sample_messages AS SELECT ROW_NUMBER() OVER (ORDER BY number) - 1 AS place, * FROM main.messages; \
    CREATE TEMP TABLE sample_outgoing AS SELECT * FROM main.outgoing; \
    CREATE TEMP TABLE sample_message_steps AS SELECT * FROM main.message_steps; \
    CREATE TEMP TABLE sample_message_receipts AS SELECT * FROM main.message_receipts; \
    CREATE TEMP TABLE sample_events AS SELECT ROW_NUMBER() OVER (ORDER BY e.number) - 1 AS place, t.message, e.* \
        FROM main.events e JOIN temp.told t ON t.event = e.number; \
    CREATE TEMP TABLE copied (old INTEGER PRIMARY KEY, new INTEGER NOT NULL, new_id TEXT NOT NULL, new_wa_id TEXT NOT NULL, \
        shift INTEGER NOT NULL);";
const TOLD: &str = "CREATE TEMP TABLE told (event INTEGER PRIMARY KEY, message INTEGER NOT NULL)";
const TELL: &str = "INSERT INTO temp.told (event, message) VALUES (?1, ?2)";
/// From the newest on: an event may leave what it tells to the one behind it.
const EVENTS: &str = "SELECT e.number, COALESCE(s.id, ''), e.data FROM main.events e LEFT JOIN main.sessions s ON s.number = e.session \
     ORDER BY e.number DESC";

/// An id begins with its kind and its time in milliseconds; what follows may be the sample's, for no copy has the time of another. The
/// network's ids have no order at all, and what indexes cost depends on that.
const COPY: &str = "INSERT INTO temp.copied (old, new, new_id, new_wa_id, shift) SELECT s.number, ?1 + s.place, \
     substr(s.id, 1, 4) || printf('%012x', s.made_at) || substr(s.id, 17), \
     substr(s.wa_id, 1, 4) || substr(hex(randomblob(16)), 1, length(s.wa_id) - 4), s.made_at - s.created_at \
     FROM (SELECT m.place, m.number, m.id, m.wa_id, m.created_at, ?2 + (?3 + m.place) * ?4 / ?5 AS made_at FROM temp.sample_messages m) s";
const EVENTS_OF_COPY: &str = "temp.sample_events s JOIN temp.copied c ON c.old = s.message ORDER BY s.place";
/// An event that leaves what it tells to its message leaves it to the copy. What it tells itself stays the sample's, ids and times in it too:
/// packed, it cannot be changed by SQL, and of any other message it would be as long. An event has its id by its time and its number.
const NEW_EVENT: [(&str, &str); 5] = [
    ("number", "?1 + s.place"),
    ("id", "NULL"),
    ("sequence", "?2 + s.place"),
    ("at", "s.at + c.shift"),
    ("data", "CASE typeof(s.data) WHEN 'integer' THEN (c.new << 3) | (s.data & 7) ELSE s.data END"),
];
const AGE_EVENTS: &str = "UPDATE main.events SET at = events.at + c.shift \
     FROM temp.sample_events s JOIN temp.copied c ON c.old = s.message WHERE s.number = events.number";
const SEQUENCE: &str =
    "UPDATE main.sessions SET event_sequence = event_sequence + ?1 WHERE id IN (SELECT session_id FROM temp.sample_messages)";
/// Each day with what was sent on it, and how that was answered.
const USAGE: &str = "WITH RECURSIVE days (day) AS (SELECT ?1 UNION ALL SELECT day + 1 FROM days WHERE day < ?2) \
     INSERT INTO main.usage (account_id, utc_day, messages) SELECT a.account_id, day, ?3 \
     FROM days, (SELECT DISTINCT account_id FROM temp.sample_messages) a WHERE true ON CONFLICT DO NOTHING";
const ANSWERS: &str = "WITH RECURSIVE days (day) AS (SELECT ?1 UNION ALL SELECT day + 1 FROM days WHERE day < ?2) \
     INSERT INTO main.usage_answers (account_id, utc_day, code, answers) SELECT a.account_id, day, '', ?3 \
     FROM days, (SELECT DISTINCT account_id FROM temp.sample_messages) a WHERE true ON CONFLICT DO NOTHING";

const DAY_MS: i64 = 86_400_000;
/// How many copies one commit has: the pages that all of them change are written once.
const AT_ONCE: i64 = 20;

/// Makes at least so many messages of those that the file has, from so many days ago until just before the first of those.
pub fn multiply(file: &Path, messages: i64, days: i64) -> Result<()> {
    let conn = Connection::open(file)?;
    conn.execute_batch(FAST)?;
    grow(&conn, messages, days)?;
    drop(conn);
    // What the kernel still has to write would be written while the gateway is measured.
    Ok(File::open(file)?.sync_all()?)
}

/// How much there is of what is copied, and where the numbers go on.
struct Sample {
    messages: i64,
    events: i64,
    last_message: i64,
    last_event: i64,
    sequence: i64,
    began_at: i64,
}

fn grow(conn: &Connection, messages: i64, days: i64) -> Result<()> {
    find_messages_of_events(conn)?;
    conn.execute_batch(SAMPLE)?;
    let sample = sample(conn)?;
    let copies = (messages - 1) / sample.messages;
    ensure!(copies > 0, "there are {} messages already", sample.messages);
    let (total, span) = ((copies + 1) * sample.messages, days * DAY_MS);
    let begins_at = sample.began_at - span - 1;
    let numbers = |copy: i64| [sample.last_message + 1 + (copy - 1) * sample.messages, begins_at, copy * sample.messages, span, total];

    conn.execute(COPY, numbers(0))?;
    for table in &TABLES {
        conn.execute(&aging(table), ())?;
    }
    conn.execute(AGE_EVENTS, ())?;

    let mut tables = Vec::new();
    for table in &TABLES {
        tables.push(conn.prepare(&insertion_of(conn, table)?)?);
    }
    let mut copy_events = conn.prepare(&insertion("events", &columns(conn, "events")?, &NEW_EVENT.map(owned), EVENTS_OF_COPY))?;
    for copy in 1..=copies {
        if (copy - 1) % AT_ONCE == 0 {
            conn.execute_batch("BEGIN")?;
        }
        conn.execute("DELETE FROM temp.copied", ())?;
        conn.execute(COPY, numbers(copy))?;
        for table in &mut tables {
            table.execute(())?;
        }
        let before = (copy - 1) * sample.events + 1;
        copy_events.execute([sample.last_event + before, sample.sequence + before])?;
        if copy % AT_ONCE == 0 || copy == copies {
            conn.execute_batch("COMMIT")?;
        }
        if copy % (copies / 20).max(1) == 0 {
            println!("{} of {total} messages", (copy + 1) * sample.messages);
        }
    }
    conn.execute(SEQUENCE, [copies * sample.events])?;
    let of_days = [begins_at / DAY_MS, (begins_at + span) / DAY_MS, total / days];
    conn.execute(USAGE, of_days)?;
    conn.execute(ANSWERS, of_days)?;
    Ok(())
}

/// Finds which message each event is of, by what it tells, or by what the one behind it tells for both.
fn find_messages_of_events(conn: &Connection) -> Result<()> {
    conn.execute_batch(TOLD)?;
    let mut statement = conn.prepare("SELECT id, number FROM main.messages")?;
    let messages = statement.query_map((), |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
    let messages: HashMap<String, i64> = messages.collect::<rusqlite::Result<_>>()?;
    let numbers: HashSet<i64> = messages.values().copied().collect();
    let mut tell = conn.prepare(TELL)?;
    let mut statement = conn.prepare(EVENTS)?;
    let mut events = statement.query(())?;
    let mut behind: Option<(i64, i64)> = None;
    while let Some(event) = events.next()? {
        let (number, session): (i64, String) = (event.get(0)?, event.get(1)?);
        let data = event.get_ref(2)?;
        let message = match data {
            ValueRef::Text(b"") => behind.filter(|(next, _)| *next == number + 1).map(|(_, message)| message),
            ValueRef::Integer(of) => {
                let message = wharf_store::message_of(of);
                ensure!(numbers.contains(&message), "event {number}: it is of message {message}, which is not there");
                Some(message)
            }
            _ => {
                let words = told(&session, data).with_context(|| format!("event {number}"))?;
                words["messageId"].as_str().and_then(|id| messages.get(id)).copied()
            }
        };
        behind = message.map(|message| (number, message));
        if let Some(message) = message {
            tell.execute([number, message])?;
        }
    }
    Ok(())
}

/// What an event tells, as its row has it: JSON, or JSON that is packed.
fn told(session: &str, data: ValueRef<'_>) -> Result<Value> {
    match data {
        ValueRef::Text(text) => Ok(serde_json::from_slice(text)?),
        ValueRef::Blob(packed) => {
            let text = wharf_store::told_in(session, packed).context("what it tells cannot be unpacked")?;
            Ok(serde_json::from_str(&text)?)
        }
        other => bail!("it tells a value of type {}", other.data_type()),
    }
}

fn sample(conn: &Connection) -> Result<Sample> {
    let one = |sql: &str| conn.query_row(sql, (), |row| row.get::<_, i64>(0));
    ensure!(one("SELECT COUNT(DISTINCT session_id) FROM temp.sample_messages")? == 1, "the sample is of one session");
    Ok(Sample {
        messages: one("SELECT COUNT(*) FROM temp.sample_messages")?,
        events: one("SELECT COUNT(*) FROM temp.sample_events")?,
        last_message: one("SELECT MAX(number) FROM main.messages")?,
        last_event: one("SELECT MAX(number) FROM main.events")?,
        sequence: one("SELECT MAX(event_sequence) FROM main.sessions WHERE id IN (SELECT session_id FROM temp.sample_messages)")?,
        began_at: one("SELECT MIN(created_at) FROM temp.sample_messages")?,
    })
}

fn columns(conn: &Connection, table: &str) -> Result<Vec<String>> {
    let mut statement = conn.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let names = statement.query_map([table], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

fn owned((column, value): (&str, &str)) -> (String, String) {
    (column.to_owned(), value.to_owned())
}

/// The statement that copies what a table has of the sample.
fn insertion_of(conn: &Connection, table: &CopiedTable) -> Result<String> {
    let CopiedTable { name, message, times, others } = *table;
    let mut changed = vec![owned((message, "c.new"))];
    changed.extend(times.iter().map(|time| ((*time).to_owned(), format!("s.{time} + c.shift"))));
    changed.extend(others.iter().copied().map(owned));
    let from = format!("temp.sample_{name} s JOIN temp.copied c ON c.old = s.{message} ORDER BY c.new");
    Ok(insertion(name, &columns(conn, name)?, &changed, &from))
}

/// Copies all columns, and those that change by their expressions.
fn insertion(table: &str, columns: &[String], changed: &[(String, String)], from: &str) -> String {
    let value = |column: &String| {
        let changed = changed.iter().find(|(name, _)| name == column);
        changed.map_or_else(|| format!("s.{column}"), |(_, value)| value.clone())
    };
    let values: Vec<String> = columns.iter().map(value).collect();
    format!("INSERT INTO main.{table} ({}) SELECT {} FROM {from}", columns.join(", "), values.join(", "))
}

/// The statement that moves what a table has of the sample into the past.
fn aging(table: &CopiedTable) -> String {
    let CopiedTable { name, message, times, .. } = *table;
    let moved: Vec<String> = times.iter().map(|time| format!("{time} = {name}.{time} + c.shift")).collect();
    format!("UPDATE main.{name} SET {} FROM temp.copied c WHERE c.old = {name}.{message}", moved.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;
    /// Three messages with an event each, beside an event of the session.
    const HISTORY: &str = "\
        INSERT INTO accounts (id, name, plan, created_at) VALUES ('acc_1', 'a', 'free', 0); \
        INSERT INTO sessions (id, account_id, name, status, created_at, status_at, event_sequence, deleted) \
            VALUES ('ses_1', 'acc_1', 's', 'connected', 0, 0, 4, 0); \
        INSERT INTO events (account, session, sequence, kind, at, repeated, data) \
            SELECT a.number, s.number, 1, 'session.connected', 1800000000000, 0, '{}' FROM accounts a, sessions s; \
        WITH n (n) AS (VALUES (0), (1), (2)) INSERT INTO messages (id, account_id, session_id, wa_id, direction, status, chat, chat_key, \
            content, created_at, sent_at, expires_at) SELECT printf('msg_%012x%020x', 1800000000000 + n, n), 'acc_1', 'ses_1', \
            printf('3EB0%018X', n), 'outgoing', 'sent', 'c', 'c', json_object('n', n), 1800000000000 + n, 1800000000005 + n, NULL FROM n; \
        INSERT INTO outgoing (message, payload, attempts, claimed_at) SELECT number, x'00', 1, created_at FROM messages; \
        INSERT INTO events (account, session, sequence, kind, at, repeated, data) SELECT a.number, s.number, m.number + 1, 'message.sent', \
            m.sent_at, 0, json_object('messageId', m.id, 'content', json(m.content)) \
            FROM accounts a, sessions s, messages m ORDER BY m.number;";

    /// A database of this release with that history.
    fn database() -> Connection {
        let conn = Connection::open_in_memory().unwrap();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../wharf-store/migrations/sqlite");
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files {
            conn.execute_batch(&std::fs::read_to_string(file).unwrap()).unwrap();
        }
        conn.execute_batch(HISTORY).unwrap();
        conn
    }

    fn one(conn: &Connection, sql: &str) -> i64 {
        conn.query_row(sql, (), |row| row.get(0)).unwrap()
    }

    #[test]
    fn copies_have_ids_and_times_of_their_own_in_the_order_of_their_numbers() {
        let conn = database();
        grow(&conn, 100, 28).unwrap();
        let is_so = |sql: &str| assert_eq!(one(&conn, sql), 1, "{sql}");
        is_so("SELECT COUNT(*) = 102 AND COUNT(DISTINCT id) = 102 AND COUNT(DISTINCT wa_id) = 102 FROM messages");
        is_so("SELECT MIN(length(id)) = 36 AND MAX(length(id)) = 36 AND MIN(length(wa_id)) = 22 AND MAX(length(wa_id)) = 22 FROM messages");
        is_so("SELECT COUNT(*) = 102 AND SUM(m.created_at = o.claimed_at) = 102 FROM outgoing o JOIN messages m ON m.number = o.message");
        is_so("SELECT MIN(sent_at - created_at) = 5 AND MAX(sent_at - created_at) = 5 FROM messages");
        is_so("SELECT COUNT(*) = 0 FROM messages m JOIN messages n ON n.number = m.number + 1 WHERE n.created_at <= m.created_at");
        let (first, last) = (one(&conn, "SELECT MIN(created_at) FROM messages"), one(&conn, "SELECT MAX(created_at) FROM messages"));
        assert_eq!(first, NOW - 28 * DAY_MS - 1);
        assert!(last < NOW && last > NOW - DAY_MS, "{last}");
    }

    #[test]
    fn each_copy_has_the_events_of_its_message_and_the_session_goes_on_behind_them() {
        let conn = database();
        grow(&conn, 100, 28).unwrap();
        let is_so = |sql: &str| assert_eq!(one(&conn, sql), 1, "{sql}");
        is_so("SELECT COUNT(*) = 103 AND COUNT(id) = 0 AND COUNT(DISTINCT sequence) = 103 FROM events");
        is_so("SELECT MAX(sequence) = (SELECT event_sequence FROM sessions) FROM events");
        is_so(
            "SELECT COUNT(*) = 102 AND COUNT(DISTINCT m.number) = 102 FROM events e JOIN messages m ON m.sent_at = e.at \
             AND json_extract(m.content, '$.n') = json_extract(e.data, '$.content.n')",
        );
        is_so(
            "SELECT COUNT(*) = 3 AND MIN(n) = 34 AND MAX(n) = 34 FROM (SELECT COUNT(*) AS n FROM events \
             WHERE kind = 'message.sent' GROUP BY account, session, repeated, data)",
        );
        is_so("SELECT COUNT(*) = 0 FROM events e JOIN events f ON f.number > e.number AND e.kind = f.kind WHERE f.at <= e.at");
        is_so("SELECT COUNT(*) = 29 AND SUM(messages) = 29 * (102 / 28) FROM usage");
        is_so("SELECT COUNT(*) = 29 FROM usage_answers");
    }

    #[test]
    fn an_event_that_leaves_its_words_to_the_one_behind_it_is_copied_in_front_of_that_one() {
        let conn = database();
        conn.execute_batch(
            "WITH n (n, kind, repeated) AS (VALUES (1, 'message.status', 1), (2, 'message.delivered', 0)) \
             INSERT INTO events (account, session, sequence, kind, at, repeated, data) \
             SELECT a.number, s.number, 4 + n.n, n.kind, m.sent_at, n.repeated, \
             CASE n.repeated WHEN 1 THEN '' ELSE json_object('messageId', m.id) END \
             FROM n, accounts a, sessions s, messages m WHERE m.number = 1 ORDER BY n.n; \
             UPDATE sessions SET event_sequence = 6",
        )
        .unwrap();
        grow(&conn, 100, 28).unwrap();
        let pairs = "SELECT COUNT(*) FROM events e JOIN events n ON n.number = e.number + 1 AND n.at = e.at \
             WHERE e.data = '' AND n.kind = 'message.delivered'";
        assert_eq!(one(&conn, pairs), 34);
        assert_eq!(one(&conn, "SELECT COUNT(*) FROM events WHERE data = ''"), 34);
    }

    /// As the gateway packs a text of which nothing is found anywhere else: its way, its length, and LZ4's block of that text alone.
    fn packed(text: &str) -> Vec<u8> {
        let length = u16::try_from(text.len()).unwrap();
        let more = u8::try_from(length - 15).unwrap();
        [b"\x01".as_slice(), &length.to_le_bytes(), &[0xf0, more], text.as_bytes()].concat()
    }

    #[test]
    fn an_event_that_is_packed_is_found_by_its_message_and_copied_as_it_is() {
        let conn = database();
        let id: String = conn.query_row("SELECT id FROM messages WHERE number = 2", (), |row| row.get(0)).unwrap();
        let packed = packed(&format!(r#"{{"messageId":"{id}"}}"#));
        assert_eq!(conn.execute("UPDATE events SET data = ?1 WHERE sequence = 3", [&packed]).unwrap(), 1);
        grow(&conn, 100, 28).unwrap();
        let copies = "SELECT COUNT(DISTINCT m.number) FROM events e JOIN messages m ON m.sent_at = e.at WHERE e.data = ?1";
        assert_eq!(conn.query_row(copies, [&packed], |row| row.get::<_, i64>(0)).unwrap(), 34);
        assert_eq!(one(&conn, "SELECT COUNT(*) FROM events WHERE typeof(data) = 'blob'"), 34);
    }

    #[test]
    fn an_event_that_leaves_its_words_to_its_message_leaves_them_to_the_copy_of_it() {
        let conn = database();
        assert_eq!(conn.execute("UPDATE events SET data = 2 << 3 | 5 WHERE sequence = 3", ()).unwrap(), 1);
        grow(&conn, 100, 28).unwrap();
        let copies = "SELECT COUNT(DISTINCT m.number) FROM events e JOIN messages m ON m.number = e.data >> 3 AND m.sent_at = e.at \
             WHERE typeof(e.data) = 'integer' AND e.data & 7 = 5";
        assert_eq!(one(&conn, copies), 34);
        assert_eq!(one(&conn, "SELECT COUNT(*) FROM events WHERE typeof(data) = 'integer'"), 34);
    }

    #[test]
    fn an_event_that_tells_nothing_that_can_be_read_is_no_sample() {
        for data in ["x'01'", "x'ff'", "'{'", "7"] {
            let conn = database();
            conn.execute_batch(&format!("UPDATE events SET data = {data} WHERE sequence = 3")).unwrap();
            let refused = format!("{:#}", grow(&conn, 100, 28).unwrap_err());
            assert!(refused.starts_with("event 3: "), "{refused}");
            assert_eq!(one(&conn, "SELECT COUNT(*) FROM messages"), 3);
        }
    }

    #[test]
    fn a_database_that_has_so_many_messages_already_is_left_alone() {
        let conn = database();
        assert!(grow(&conn, 3, 28).is_err());
        assert_eq!(one(&conn, "SELECT COUNT(*) FROM messages"), 3);
    }
}
