//! What a driver's error means to the caller: come back later, this row's own fault, or call whoever keeps the database.

use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::error::DatabaseError;
use sqlx::postgres::{PgDatabaseError, PgSeverity};
use wharf_core::store::Error;

pub(crate) fn unavailable(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Unavailable(why.into())
}

pub(crate) fn corrupt(what: impl Into<String>) -> Error {
    Error::Corrupt(what.into())
}

pub(crate) fn refused(what: impl Into<String>) -> Error {
    Error::Refused(what.into())
}

/// What a process has seen of damage stays true until somebody has mended it and started anew.
static DAMAGED: AtomicBool = AtomicBool::new(false);

/// Whether a page or a file was found damaged since the start.
pub(crate) fn is_damaged() -> bool {
    DAMAGED.load(Ordering::Relaxed)
}

pub(crate) fn classify(error: sqlx::Error) -> Error {
    if matches!(&error, sqlx::Error::Database(database) if database.code().is_some_and(|code| is_damage(&code))) {
        DAMAGED.store(true, Ordering::Relaxed);
    }
    match &error {
        sqlx::Error::Database(database) if passes(&**database) || is_of_the_connection(&**database) => unavailable(error),
        sqlx::Error::Database(database) if is_of_the_bytes(&**database) => corrupt(error.to_string()),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => unavailable(error),
        // A cell that is not what it should be.
        sqlx::Error::Decode(_)
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Encode(_)
        | sqlx::Error::ColumnIndexOutOfBounds { .. }
        | sqlx::Error::RowNotFound => corrupt(error.to_string()),
        _ => refused(error.to_string()),
    }
}

pub(crate) fn classify_sqlite(error: rusqlite::Error) -> Error {
    if error.sqlite_error().is_some_and(|cause| sqlite_is_damage(cause.extended_code)) {
        DAMAGED.store(true, Ordering::Relaxed);
    }
    match error.sqlite_error() {
        Some(cause) if sqlite_passes(cause.extended_code) => unavailable(error),
        Some(cause) if sqlite_is_of_the_bytes(cause.extended_code) => corrupt(error.to_string()),
        Some(_) => refused(error.to_string()),
        None if matches!(error, rusqlite::Error::SqlInputError { .. } | rusqlite::Error::InvalidParameterCount(..)) => {
            refused(error.to_string())
        }
        None => corrupt(error.to_string()),
    }
}

/// PostgreSQL's data or an index of it is damaged.
fn is_damage(code: &str) -> bool {
    matches!(code, "XX001" | "XX002")
}

/// A page of the file is, or the file is none of SQLite's.
fn sqlite_is_damage(code: i32) -> bool {
    matches!(code & 0xff, 11 | 26)
}

/// Whether PostgreSQL ended the write for the good of another one, or a lock was not to be had: done once more it may come through.
pub(crate) fn worth_another_try(error: &Error) -> bool {
    let Error::Unavailable(cause) = error else { return false };
    match cause.downcast_ref::<sqlx::Error>() {
        Some(sqlx::Error::Database(database)) => database.code().is_some_and(|code| matches!(&*code, "40P01" | "40001" | "55P03")),
        _ => false,
    }
}

/// Whether the connection is what is wrong: its prepared statements are not what we believe, or it is from when the server took no writes. A
/// fresh one is right.
pub(crate) fn wants_another_connection(error: &Error) -> bool {
    let Error::Unavailable(cause) = error else { return false };
    matches!(cause.downcast_ref(), Some(sqlx::Error::Database(database)) if is_of_the_connection(&**database))
}

/// A prepared statement that is gone (a pool discards what it did not make), whose name is taken, or whose rows have other types since
/// somebody changed a table. The code of the last one is that of many things which no other connection can do either.
fn is_of_the_connection(error: &dyn DatabaseError) -> bool {
    match error.code().as_deref() {
        // Who connected before a fail-over ended stays read-only for as long as it is connected.
        Some("26000" | "42P05" | "25006") => true,
        Some("0A000") => {
            error.try_downcast_ref::<PgDatabaseError>().is_some_and(|answer| answer.routine() == Some("RevalidateCachedQuery"))
        }
        _ => false,
    }
}

/// Whether a statement before the COMMIT that was answered so took its transaction with it, over a connection that goes on: nothing of it
/// is in the database, whatever the answer was. Also where an operator cancelled it.
pub(crate) fn is_undone(error: &Error) -> bool {
    match error {
        Error::Corrupt(_) | Error::Refused(_) => true,
        Error::Unavailable(_) => answer(error).is_some_and(|answer| answer.severity() == PgSeverity::Error),
        Error::Fenced => false,
    }
}

/// Whether a COMMIT that was answered so is known not to have happened. A connection that ended, and a disk that failed, leave it open.
pub(crate) fn is_undone_commit(error: &Error) -> bool {
    let is_open = |answer: &PgDatabaseError| answer.code() == "40003" || matches!(answer.code().get(..2), Some("08" | "57" | "58"));
    is_undone(error) && !answer(error).is_some_and(is_open)
}

/// What PostgreSQL itself answered.
fn answer(error: &Error) -> Option<&PgDatabaseError> {
    let Error::Unavailable(cause) = error else { return None };
    match cause.downcast_ref::<sqlx::Error>() {
        Some(sqlx::Error::Database(database)) => database.try_downcast_ref::<PgDatabaseError>(),
        _ => None,
    }
}

/// Whether PostgreSQL's own error says that it is away, locked, slow or full.
fn passes(error: &dyn DatabaseError) -> bool {
    error.code().is_some_and(|code| postgres_passes(&code))
}

/// Classes of SQLSTATE: connection, transaction rollback, resources, operator, system. Then single codes: the lock was
/// not free, the idle transaction was ended, the transaction or the server is read-only (a fail-over is under way),
/// the password or the database is not there (it is being set up).
fn postgres_passes(code: &str) -> bool {
    let class = code.get(..2).unwrap_or_default();
    matches!(class, "08" | "40" | "53" | "57" | "58" | "28" | "3D") || matches!(code, "55P03" | "25P03" | "25006")
}

fn is_of_the_bytes(error: &dyn DatabaseError) -> bool {
    error.code().is_some_and(|code| postgres_is_of_the_bytes(&code))
}

/// The closed list: data that no database of this kind takes. Two of that class are the database's own: an encoding that cannot hold
/// what is said, and a sequence at its end. An index has a longest entry.
fn postgres_is_of_the_bytes(code: &str) -> bool {
    (code.starts_with("22") && !matches!(code, "22P05" | "2200H")) || code == "54000"
}

/// Too big, of another type.
fn sqlite_is_of_the_bytes(code: i32) -> bool {
    matches!(code & 0xff, 18 | 20)
}

/// Extended codes carry the primary one in their lowest byte: busy, locked, out of memory, read-only, interrupted,
/// input or output, full, cannot open, lock protocol.
fn sqlite_passes(code: i32) -> bool {
    matches!(code & 0xff, 5 | 6 | 7 | 8 | 9 | 10 | 13 | 14 | 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_is_busy_full_or_away_is_unavailable_and_a_wrong_statement_is_not() {
        for code in [5, 261, 13, 10, 522, 14] {
            assert!(sqlite_passes(code), "{code}");
        }
        for code in [1, 11, 19, 2067, 26] {
            assert!(!sqlite_passes(code), "{code}");
        }
        for code in ["57P01", "57014", "40P01", "53100", "55P03", "08006", "25P03"] {
            assert!(postgres_passes(code), "{code}");
        }
        for code in ["42601", "42P01", "23505", "22P02"] {
            assert!(!postgres_passes(code), "{code}");
        }
        for code in ["22P02", "22021", "22001", "54000"] {
            assert!(postgres_is_of_the_bytes(code), "{code}");
        }
        for code in ["22P05", "2200H", "23505", "42501", "42P01", "P0001", "XX001", "0A000", "55000"] {
            assert!(!postgres_is_of_the_bytes(code) && !postgres_passes(code), "{code}");
        }
        assert!(sqlite_is_of_the_bytes(18) && sqlite_is_of_the_bytes(20));
        for code in [1, 11, 19, 2067, 26] {
            assert!(!sqlite_is_of_the_bytes(code), "{code}");
        }
        for code in [11, 267, 26] {
            assert!(sqlite_is_damage(code), "{code}");
        }
        assert!(!sqlite_is_damage(1) && !sqlite_is_damage(13) && is_damage("XX001") && is_damage("XX002") && !is_damage("XX000"));
        assert!(matches!(classify(sqlx::Error::PoolTimedOut), Error::Unavailable(_)));
        assert!(matches!(classify(sqlx::Error::RowNotFound), Error::Corrupt(_)));
        assert!(matches!(classify(sqlx::Error::TypeNotFound { type_name: "x".to_owned() }), Error::Refused(_)));
    }
}
