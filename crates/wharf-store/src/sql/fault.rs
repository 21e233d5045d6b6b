//! What a driver's error means to the caller: come back later, or call a programmer.

use sqlx::error::DatabaseError;
use wharf_core::store::Error;

pub(crate) fn unavailable(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Unavailable(why.into())
}

pub(crate) fn corrupt(what: impl Into<String>) -> Error {
    Error::Corrupt(what.into())
}

pub(crate) fn classify(error: sqlx::Error) -> Error {
    match &error {
        sqlx::Error::Database(database) if passes(&**database) => unavailable(error),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => unavailable(error),
        _ => corrupt(error.to_string()),
    }
}

pub(crate) fn classify_sqlite(error: rusqlite::Error) -> Error {
    match error.sqlite_error() {
        Some(cause) if sqlite_passes(cause.extended_code) => unavailable(error),
        _ => corrupt(error.to_string()),
    }
}

/// Whether PostgreSQL ended the write for the good of another one: done once more it may come through.
pub(crate) fn worth_another_try(error: &Error) -> bool {
    let Error::Unavailable(cause) = error else { return false };
    match cause.downcast_ref::<sqlx::Error>() {
        Some(sqlx::Error::Database(database)) => database.code().is_some_and(|code| matches!(&*code, "40P01" | "40001")),
        _ => false,
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
        assert!(matches!(classify(sqlx::Error::PoolTimedOut), Error::Unavailable(_)));
        assert!(matches!(classify(sqlx::Error::RowNotFound), Error::Corrupt(_)));
    }
}
