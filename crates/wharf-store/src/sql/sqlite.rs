//! SQLite, called on the thread that asks: a statement by key takes less time than handing it to another thread.

use std::sync::atomic::{AtomicBool, Ordering, fence};

use rusqlite::types::{ToSql, ToSqlOutput, Value, ValueRef};
use rusqlite::{CachedStatement, Connection, ffi};

use super::arg::{Arg, storable};

/// Above the number of statements that there are, so that none is prepared twice.
const STATEMENTS: usize = 400;
const NO_LISTS: &str = "SQLite takes no lists";

/// Has the connection keep every statement prepared.
pub(crate) fn keep_statements(conn: &Connection) {
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
}

/// Runs a statement; tells how many rows it changed.
pub(super) fn execute(conn: &Connection, sql: &str, args: &[impl ToSql]) -> rusqlite::Result<u64> {
    let mut statement = conn.prepare_cached(sql)?;
    bind(&mut statement, args)?;
    // A statement that returns rows is run to its end as well.
    if statement.column_count() > 0 {
        let mut rows = statement.raw_query();
        while rows.next()?.is_some() {}
    } else {
        return statement.raw_execute().map(|changed| changed as u64);
    }
    Ok(conn.changes())
}

/// Runs a statement and reads all of its rows.
pub(super) fn fetch(conn: &Connection, sql: &str, args: &[impl ToSql]) -> rusqlite::Result<Vec<Vec<Value>>> {
    let mut statement = conn.prepare_cached(sql)?;
    bind(&mut statement, args)?;
    let columns = statement.column_count();
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push((0..columns).map(|column| row.get(column)).collect::<rusqlite::Result<Vec<Value>>>()?);
    }
    Ok(found)
}

/// Runs it unless nobody waits for it any more; from when it has looked, an interruption ends it. SQLite forgets one that comes while no
/// statement runs: another one has begun before the look, and has not ended before the read has.
pub(super) fn fetch_unless_left(conn: &Connection, sql: &str, args: &[impl ToSql], left: &AtomicBool) -> rusqlite::Result<Vec<Vec<Value>>> {
    let mut begun = conn.prepare_cached("SELECT 1")?;
    let mut rows = begun.raw_query();
    rows.next()?;
    fence(Ordering::SeqCst);
    if left.load(Ordering::SeqCst) {
        return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_INTERRUPT), None));
    }
    fetch(conn, sql, args)
}

/// Runs statements that begin, mark or end a transaction.
pub(super) fn control(conn: &Connection, text: &str) -> rusqlite::Result<()> {
    for part in text.split("; ") {
        conn.prepare_cached(part)?.raw_execute()?;
    }
    Ok(())
}

fn bind(statement: &mut CachedStatement<'_>, args: &[impl ToSql]) -> rusqlite::Result<()> {
    let count = statement.parameter_count();
    let bound = args.get(..count).ok_or(rusqlite::Error::InvalidParameterCount(args.len(), count))?;
    for (place, arg) in bound.iter().enumerate() {
        statement.raw_bind_parameter(place + 1, arg)?;
    }
    Ok(())
}

impl ToSql for Arg<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match *self {
            Self::Text(Some(text)) if text.contains('\0') => ToSqlOutput::Owned(Value::Text(storable(text).into_owned())),
            Self::Text(Some(text)) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Int(Some(int)) => ToSqlOutput::Owned(Value::Integer(int)),
            Self::Bytes(Some(bytes)) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Self::Text(None) | Self::Int(None) | Self::Bytes(None) => ToSqlOutput::Owned(Value::Null),
            Self::Texts(_) | Self::Blobs(_) | Self::Cells(_) => return Err(rusqlite::Error::ToSqlConversionFailure(NO_LISTS.into())),
        })
    }
}

/// The arguments as values of their own, for a statement that runs on another thread.
pub(super) fn owned(args: &[Arg<'_>]) -> Vec<Value> {
    let value = |arg: &Arg<'_>| match *arg {
        Arg::Text(Some(text)) => Value::Text(storable(text).into_owned()),
        Arg::Int(Some(int)) => Value::Integer(int),
        Arg::Bytes(Some(bytes)) => Value::Blob(bytes.to_vec()),
        // Refused where it is bound: SQLite has no lists, and no read has one.
        Arg::Texts(_) | Arg::Blobs(_) | Arg::Cells(_) | Arg::Text(None) | Arg::Int(None) | Arg::Bytes(None) => Value::Null,
    };
    args.iter().map(value).collect()
}
