//! PostgreSQL's tables, read in one snapshot and written in one transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use futures::TryStreamExt as _;
use sqlx::{AssertSqlSafe, PgConnection};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufWriter};

use super::{BackupError, Snapshot, Table, file_error};
use crate::dialect::{Connect, Dialect};
use crate::open::error::OpenError;
use crate::owner::MARK_STALE;
use crate::sql::{Conn, classify};
use crate::{fitness, migrations};

/// The history of the schema is made by the migrations that make the tables.
const HISTORY: &str = "_sqlx_migrations";
const COLUMNS: &str = "SELECT c.relname::text, array_agg(a.attname::text ORDER BY a.attnum) FROM pg_class c \
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' \
    WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace GROUP BY 1 ORDER BY 1";
const REFERENCES: &str = "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint \
    WHERE contype = 'f' AND connamespace = current_schema()::regnamespace AND conrelid <> confrelid";
const CHUNK_BYTES: usize = 256 * 1024;

/// Where a table's rows lie in the folder of a backup.
pub(super) fn place(table: &str) -> PathBuf {
    Path::new("tables").join(format!("{table}.copy"))
}

pub(super) async fn back_up(url: &str, folder: &Path, told: &(dyn Fn(&str) + Sync)) -> Result<Snapshot, BackupError> {
    let mut conn = connect(url).await?;
    run(&mut conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let found = columns(&mut conn).await?;
    if !found.contains_key(HISTORY) {
        return Err(BackupError::Nothing("the database URL".to_owned()));
    }
    let migration = sqlx::query_scalar(migrations::NEWEST.postgres).fetch_one(&mut conn).await.map_err(classify)?;
    let at = folder.join("tables");
    tokio::fs::create_dir(&at).await.map_err(file_error(&at))?;
    let mut tables = Vec::new();
    for (name, columns) in found.into_iter().filter(|(name, _)| name != HISTORY) {
        let rows = write_out(&mut conn, &name, &columns, &folder.join(place(&name))).await?;
        told(&format!("{name}: {rows} rows"));
        let last_number = last_number(&mut conn, &name, &columns).await?;
        tables.push(Table { name, columns, rows, last_number });
    }
    run(&mut conn, "COMMIT").await?;
    Ok(Snapshot::Postgresql { migration, tables })
}

/// The rows as the snapshot has them, in the order in which they lie.
async fn write_out(conn: &mut PgConnection, table: &str, columns: &[String], path: &Path) -> Result<u64, BackupError> {
    let failed = || file_error(path);
    let mut file = BufWriter::new(File::create_new(path).await.map_err(failed())?);
    let statement = format!("COPY {} TO STDOUT", target(table, columns));
    let mut rows = 0;
    {
        let mut parts = conn.copy_out_raw(&statement).await.map_err(classify)?;
        while let Some(part) = parts.try_next().await.map_err(classify)? {
            // A line is a row: line breaks in it are escaped.
            rows += newlines(&part);
            file.write_all(&part).await.map_err(failed())?;
        }
    }
    file.flush().await.map_err(failed())?;
    file.into_inner().sync_all().await.map_err(failed())?;
    Ok(rows)
}

fn newlines(part: &[u8]) -> u64 {
    part.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

/// The last number that the table's sequence gave. Sequences know no snapshot: it may be ahead of the rows, and never behind.
async fn last_number(conn: &mut PgConnection, table: &str, columns: &[String]) -> Result<Option<i64>, BackupError> {
    if !columns.iter().any(|column| column == "number") {
        return Ok(None);
    }
    let sequence: Option<String> = sqlx::query_scalar("SELECT pg_get_serial_sequence($1, 'number')")
        .bind(quoted(table))
        .fetch_one(&mut *conn)
        .await
        .map_err(classify)?;
    let Some(sequence) = sequence else { return Ok(None) };
    let last = format!("SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM {sequence}");
    Ok(Some(sqlx::query_scalar(AssertSqlSafe(last)).fetch_one(conn).await.map_err(classify)?))
}

pub(super) async fn check_empty(url: &str) -> Result<(), BackupError> {
    let mut conn = connect(url).await?;
    if columns(&mut conn).await?.is_empty() { Ok(()) } else { Err(BackupError::NotEmpty("the database".to_owned())) }
}

pub(super) async fn restore(url: &str, folder: &Path, tables: &[Table], told: &(dyn Fn(&str) + Sync)) -> Result<(), BackupError> {
    let mut conn = Conn::Postgres(Box::new(connect(url).await?));
    fitness::encoding(&mut conn).await?;
    fitness::order(&mut conn).await?;
    // Whoever cannot read the rows back makes no schema either.
    migrations::run(&mut conn, Dialect::Postgres, true).await?;
    let Conn::Postgres(conn) = &mut conn else { unreachable!("it was made of one") };
    let known = columns(conn).await?;
    for table in tables {
        let fits = known.get(&table.name).is_some_and(|columns| table.columns.iter().all(|column| columns.contains(column)));
        if !fits {
            return Err(BackupError::Damaged(format!("{} is no table of this release", table.name)));
        }
    }
    run(conn, "BEGIN").await?;
    // A new schema has rows of its own.
    let all: Vec<_> = known.keys().filter(|name| *name != HISTORY).map(|name| quoted(name)).collect();
    run(conn, &format!("TRUNCATE {}", all.join(", "))).await?;
    for table in by_reference(conn, tables).await? {
        let rows = write_in(conn, table, &folder.join(place(&table.name))).await?;
        if rows != table.rows {
            return Err(BackupError::Damaged(format!("{} has {rows} rows, and had {}", table.name, table.rows)));
        }
        told(&format!("{}: {rows} rows", table.name));
        if let Some(last) = table.last_number.filter(|last| *last > 0) {
            let set = sqlx::query("SELECT setval(pg_get_serial_sequence($1, 'number'), $2)").bind(quoted(&table.name)).bind(last);
            set.execute(&mut **conn).await.map_err(classify)?;
        }
    }
    run(conn, MARK_STALE.postgres).await?;
    run(conn, "COMMIT").await?;
    // The copy is whole without it.
    match migrations::analyze(conn).await {
        Ok(()) => told("the rows are counted for PostgreSQL's plans"),
        Err(error) => tracing::warn!(%error, "PostgreSQL did not count the rows: until it does so by itself, reads may be slow"),
    }
    Ok(())
}

/// Each table after those that its rows name.
async fn by_reference<'a>(conn: &mut PgConnection, tables: &'a [Table]) -> Result<Vec<&'a Table>, BackupError> {
    let references: Vec<(String, String)> = sqlx::query_as(REFERENCES).fetch_all(conn).await.map_err(classify)?;
    let (mut sorted, mut placed) = (Vec::with_capacity(tables.len()), BTreeSet::new());
    while sorted.len() < tables.len() {
        let before = sorted.len();
        for table in tables {
            let mut named = references.iter().filter(|(from, _)| *from == table.name).map(|(_, to)| to.as_str());
            if !placed.contains(table.name.as_str()) && named.all(|to| placed.contains(to)) {
                placed.insert(table.name.as_str());
                sorted.push(table);
            }
        }
        if sorted.len() == before {
            return Err(BackupError::Damaged("its tables name each other in a circle, or one that is missing".to_owned()));
        }
    }
    Ok(sorted)
}

async fn write_in(conn: &mut PgConnection, table: &Table, path: &Path) -> Result<u64, BackupError> {
    let failed = || file_error(path);
    let mut file = File::open(path).await.map_err(failed())?;
    let statement = format!("COPY {} FROM STDIN", target(&table.name, &table.columns));
    let mut rows = conn.copy_in_raw(&statement).await.map_err(classify)?;
    let mut part = vec![0; CHUNK_BYTES];
    loop {
        let length = match file.read(&mut part).await {
            Ok(length) => length,
            Err(error) => {
                rows.abort("the file cannot be read").await.map_err(classify)?;
                return Err(failed()(error));
            }
        };
        if length == 0 {
            return Ok(rows.finish().await.map_err(classify)?);
        }
        rows.send(&part[..length]).await.map_err(classify)?;
    }
}

async fn connect(url: &str) -> Result<PgConnection, BackupError> {
    match Connect::postgres_patient(url).map_err(OpenError::Postgres)?.connect().await.map_err(OpenError::Connect)? {
        Conn::Postgres(conn) => Ok(*conn),
        Conn::Sqlite(_) => Err(OpenError::Url.into()),
    }
}

async fn columns(conn: &mut PgConnection) -> Result<BTreeMap<String, Vec<String>>, BackupError> {
    let found: Vec<(String, Vec<String>)> = sqlx::query_as(COLUMNS).fetch_all(conn).await.map_err(classify)?;
    Ok(found.into_iter().collect())
}

async fn run(conn: &mut PgConnection, statement: &str) -> Result<(), BackupError> {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(conn).await.map_err(classify)?;
    Ok(())
}

/// A table with its columns, as `COPY` takes them.
fn target(table: &str, columns: &[String]) -> String {
    let columns: Vec<_> = columns.iter().map(|column| quoted(column)).collect();
    format!("{} ({})", quoted(table), columns.join(", "))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
