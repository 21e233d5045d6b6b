//! What a server of PostgreSQL must be before the first message comes: its encoding, our rights, its sequences. A fault that is found here
//! stops nobody's messages later. SQLite has nothing of the kind. And what either must be while it is worked with.

use sqlx::{AssertSqlSafe, PgConnection, Postgres, Row as _, Type};
use wharf_core::store::Error;

use crate::dialect::Connect;
use crate::lane::Place;
use crate::migrations;
use crate::open::error::OpenError;
use crate::sql::{Conn, Sql, args, classify, is_damaged, refused};
use crate::store::SqlStore;

/// Waits for what keeps everybody from writing, as every write does, and takes no row. The lease does not touch these tables.
const LOCK: Sql = Sql {
    name: "LOCK",
    sqlite: "SELECT 1",
    postgres: "LOCK TABLE sessions, session_owner, vault, messages, outgoing, message_steps, message_receipts, events, deliveries, usage, \
        idempotency IN ROW EXCLUSIVE MODE",
};

pub(crate) const ALL: &[Sql] = &[LOCK];

/// Whether what was opened is still there and can be written.
pub(crate) async fn look(store: &SqlStore) -> Result<(), Error> {
    if is_damaged() {
        return Err(refused("damaged pages were found: keep a copy of the database, then put a backup back or mend it"));
    }
    if let Some(file) = &store.file {
        return file.is_there();
    }
    let lane = store.lease.as_ref().unwrap_or(&store.lanes);
    lane.write(Place::look(), |tx| Box::pin(async move { tx.execute(&LOCK, args![]).await.map(drop) })).await
}

/// Whether each connection is a session of its own.
pub(crate) async fn unshared(conn: &mut Conn, connect: &Connect) -> Result<(), OpenError> {
    let mut other = connect.connect().await.map_err(OpenError::Connect)?;
    let shared = match (&mut *conn, &mut other) {
        (Conn::Postgres(one), Conn::Postgres(other)) => backend(one).await? == backend(other).await?,
        _ => false,
    };
    other.close().await;
    if shared { Err(OpenError::Pooler) } else { Ok(()) }
}

/// The process that serves a connection. Asked without a prepared statement, which a pooler may not keep.
async fn backend(conn: &mut PgConnection) -> Result<i32, OpenError> {
    let row = sqlx::raw_sql("SELECT pg_backend_pid()").fetch_one(conn).await;
    row.and_then(|row| row.try_get(0)).map_err(|error| OpenError::Connect(classify(error)))
}

/// Whether the error is what comes of connections that are shared out.
pub(crate) fn is_of_a_pooler(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(answer) if matches!(answer.code().as_deref(), Some("26000" | "42P05")))
}

/// Whether an error of the store is what comes of connections that are shared out.
pub(crate) fn tells_of_a_pooler(error: &Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.downcast_ref().is_some_and(is_of_a_pooler) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Whether it holds every letter that people write.
pub(crate) async fn encoding(conn: &mut Conn) -> Result<(), OpenError> {
    let Conn::Postgres(conn) = conn else { return Ok(()) };
    let encoding: String = one(conn, "SELECT current_setting('server_encoding')".to_owned()).await?;
    if encoding == "UTF8" { Ok(()) } else { Err(OpenError::Encoding(encoding)) }
}

/// Whether it orders ids by their bytes: a list of a time and what is old are found by them. Danish has `aa` behind `z`, Welsh `dd` behind `d`.
pub(crate) async fn order(conn: &mut Conn) -> Result<(), OpenError> {
    let Conn::Postgres(conn) = conn else { return Ok(()) };
    let in_order = "SELECT 'msg_9' < 'msg_a' AND 'msg_aa' < 'msg_ab' AND 'msg_dd' < 'msg_de' AND 'msg_f' < 'n'";
    if one(conn, in_order.to_owned()).await? { Ok(()) } else { Err(OpenError::Order) }
}

/// Whether we may read and write every table.
pub(crate) async fn rights(conn: &mut Conn) -> Result<(), OpenError> {
    let Conn::Postgres(conn) = conn else { return Ok(()) };
    let mut lacks = Vec::new();
    for table in migrations::tables() {
        let missing: Option<String> = one(
            conn,
            format!(
                "SELECT string_agg(r, ', ') FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) r \
                 WHERE NOT has_table_privilege('{}', r)",
                table.name
            ),
        )
        .await?;
        lacks.extend(missing.map(|rights| format!("{rights} on {}", table.name)));
    }
    if lacks.is_empty() { Ok(()) } else { Err(OpenError::Rights(lacks.join("; "))) }
}

/// Whether the next numbers are free: logical replication and restores of the rows alone leave sequences behind. One that we may not look
/// at is not judged.
pub(crate) async fn sequences(conn: &mut Conn) -> Result<(), OpenError> {
    let Conn::Postgres(conn) = conn else { return Ok(()) };
    for table in migrations::tables().filter(|table| table.numbered) {
        let table = table.name;
        let newest: Option<i64> = one(conn, format!("SELECT MAX(number) FROM {table}")).await?;
        let sequence: Option<String> = one(
            conn,
            format!(
                "SELECT s FROM pg_get_serial_sequence('{table}', 'number') s WHERE has_sequence_privilege(s, 'SELECT') \
                 UNION ALL SELECT NULL LIMIT 1"
            ),
        )
        .await?;
        let (Some(newest), Some(sequence)) = (newest, sequence) else { continue };
        let given: i64 = one(conn, format!("SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM {sequence}")).await?;
        if given < newest {
            return Err(OpenError::Sequence { table, newest });
        }
    }
    Ok(())
}

/// The one cell that a question gives.
async fn one<T>(conn: &mut PgConnection, question: String) -> Result<T, OpenError>
where
    T: for<'r> sqlx::Decode<'r, Postgres> + Type<Postgres> + Send + Unpin,
{
    sqlx::query_scalar(AssertSqlSafe(question)).fetch_one(conn).await.map_err(|error| OpenError::Connect(classify(error)))
}
