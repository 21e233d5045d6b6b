//! The file of a gateway's database while the gateway does not run: what is in it, and what each table takes.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, ensure};
use rusqlite::{Connection, OpenFlags};

/// The pages of each table with its indexes, free ones left out.
const TABLES: &str = "SELECT COALESCE(o.tbl_name, s.name), SUM(s.pgsize) FROM dbstat s LEFT JOIN sqlite_schema o ON o.name = s.name \
     WHERE s.aggregate = TRUE GROUP BY 1";
/// What is less than a byte a message is no row of its own.
const LEAST: f64 = 1.0;

pub struct FileUse {
    pub messages: i64,
    /// The numbers of the newest ones, which are the cursors of lists.
    pub last_message: i64,
    pub last_event: i64,
    /// Bytes by table.
    tables: BTreeMap<String, i64>,
}

impl FileUse {
    pub fn read(file: &Path) -> Result<Self> {
        let conn = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let one = |sql: &str| conn.query_row(sql, (), |row| row.get::<_, i64>(0));
        ensure!(one("SELECT COUNT(*) FROM messages WHERE status = 'queued'")? == 0, "messages are still queued");
        let mut tables = BTreeMap::new();
        let mut statement = conn.prepare(TABLES)?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            tables.insert(row.get(0)?, row.get(1)?);
        }
        Ok(Self {
            messages: one("SELECT COUNT(*) FROM messages")?,
            last_message: one("SELECT COALESCE(MAX(number), 0) FROM messages")?,
            last_event: one("SELECT COALESCE(MAX(number), 0) FROM events")?,
            tables,
        })
    }

    /// By table, what each message that came since takes.
    pub fn a_message_since(&self, before: &Self) -> BTreeMap<String, f64> {
        let messages = (self.messages - before.messages) as f64;
        let grown = |name: &String, bytes: i64| (bytes - before.tables.get(name).copied().unwrap_or(0)) as f64;
        self.tables.iter().map(|(name, bytes)| (name.clone(), grown(name, *bytes) / messages)).collect()
    }
}

/// The table of bytes a message, as the gateway wrote the sample and as the copies lie, and the copies' sum.
pub fn lines(sample: &BTreeMap<String, f64>, copies: &BTreeMap<String, f64>) -> (Vec<String>, f64) {
    let mut lines = vec!["| bytes a message, with indexes | sample | copies |".to_owned(), "| --- | --- | --- |".to_owned()];
    let names = |table: &BTreeMap<String, f64>| table.keys().cloned().collect::<Vec<_>>();
    let mut rows: Vec<(String, f64, f64)> = Vec::new();
    for name in names(sample).into_iter().chain(names(copies)) {
        if rows.iter().all(|(known, ..)| *known != name) {
            let of = |table: &BTreeMap<String, f64>| table.get(&name).copied().unwrap_or(0.0);
            let (sample, copies) = (of(sample), of(copies));
            rows.push((name, sample, copies));
        }
    }
    rows.sort_by(|one, other| other.2.total_cmp(&one.2).then(other.1.total_cmp(&one.1)));
    for (name, sample, copies) in rows.iter().filter(|(_, sample, copies)| sample.abs() >= LEAST || copies.abs() >= LEAST) {
        lines.push(format!("| `{name}` | {sample:.0} | {copies:.0} |"));
    }
    let sum = rows.iter().fold((0.0, 0.0), |sum, row| (sum.0 + row.1, sum.1 + row.2));
    lines.push(format!("| all | {:.0} | {:.0} |", sum.0, sum.1));
    (lines, sum.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(messages: i64, tables: &[(&str, i64)]) -> FileUse {
        let tables = tables.iter().map(|(name, bytes)| ((*name).to_owned(), *bytes)).collect();
        FileUse { messages, last_message: messages, last_event: 0, tables }
    }

    #[test]
    fn a_message_takes_what_the_tables_grew_by_the_messages_that_came() {
        let before = of(100, &[("messages", 1_000), ("vault", 5_000)]);
        let sample = of(110, &[("messages", 9_000), ("vault", 5_000), ("events", 2_000)]);
        let many = of(1_110, &[("messages", 709_000), ("vault", 5_000), ("events", 302_000)]);
        let (lines, bytes) = lines(&sample.a_message_since(&before), &many.a_message_since(&sample));
        let rows = ["| `messages` | 800 | 700 |", "| `events` | 200 | 300 |", "| all | 1000 | 1000 |"];
        assert_eq!(lines[2..], rows.map(str::to_owned));
        assert!((bytes - 1_000.0).abs() < 1e-9);
    }

    #[test]
    fn every_page_of_a_file_is_told_under_its_table() {
        let folder = std::env::temp_dir().join(format!("wharf-bench-file-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("some.sqlite");
        let conn = Connection::open(&file).unwrap();
        let schema = "CREATE TABLE messages (number INTEGER PRIMARY KEY, status TEXT); CREATE INDEX by_status ON messages (status); \
             CREATE TABLE events (number INTEGER PRIMARY KEY); INSERT INTO messages VALUES (7, 'sent')";
        conn.execute_batch(schema).unwrap();
        let pages: i64 = conn.query_row("SELECT page_count FROM pragma_page_count", (), |row| row.get(0)).unwrap();
        let size: i64 = conn.query_row("SELECT page_size FROM pragma_page_size", (), |row| row.get(0)).unwrap();
        let used = FileUse::read(&file).unwrap();
        assert_eq!((used.messages, used.last_message, used.last_event), (1, 7, 0));
        assert_eq!((used.tables["messages"], used.tables["events"]), (2 * size, size));
        assert_eq!(used.tables.values().sum::<i64>(), pages * size);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
