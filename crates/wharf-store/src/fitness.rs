//! What a server of PostgreSQL must be before the first message comes: its encoding, our rights, its sequences. A fault that is found here
//! stops nobody's messages later. SQLite has nothing of the kind.

use sqlx::{AssertSqlSafe, PgConnection, Postgres, Type};

use crate::migrations;
use crate::open::OpenError;
use crate::sql::{Conn, classify};

/// Whether it holds every letter that people write.
pub(crate) async fn encoding(conn: &mut Conn) -> Result<(), OpenError> {
    let Conn::Postgres(conn) = conn else { return Ok(()) };
    let encoding: String = one(conn, "SELECT current_setting('server_encoding')".to_owned()).await?;
    if encoding == "UTF8" { Ok(()) } else { Err(OpenError::Encoding(encoding)) }
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
