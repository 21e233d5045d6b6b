//! The schema's history, the same versions on both databases.
//!
//! Embedded by hand: sqlx's macro for it would bring the whole of its macros into every build.

use rusqlite::params;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, PgConnection, SqlSafeStr};
use tokio::time::Instant;
use wharf_core::store::Error;

use crate::dialect::Dialect;
use crate::open::error::OpenError;
use crate::sql::{Conn, Sql};

macro_rules! history {
    ($($version:literal $name:literal),+ $(,)?) => {
        const HISTORY: &[(i64, &str, &str, &str)] = &[$((
            $version,
            $name,
            include_str!(concat!("../migrations/sqlite/", $name, ".sql")),
            include_str!(concat!("../migrations/postgres/", $name, ".sql")),
        )),+];
    };
}

history! {
    1 "0001_first",
    2 "0002_accounts",
    3 "0003_webhooks",
    4 "0004_media",
    5 "0005_operations",
    6 "0006_messages",
    7 "0007_groups",
    8 "0008_audience",
    9 "0009_notices",
    10 "0010_chats",
    11 "0011_refusals",
    12 "0012_version",
    14 "0014_pace",
    15 "0015_proxies",
    16 "0016_whatsapp_switches",
    18 "0018_ends",
    19 "0019_overdue",
    20 "0020_stale",
    22 "0022_undecryptable",
    24 "0024_targets",
    25 "0025_names",
    26 "0026_permissions",
    27 "0027_media_bytes",
    28 "0028_users",
    29 "0029_sent_on",
    30 "0030_sealed_payloads",
    31 "0031_numbers",
    33 "0033_max_bytes",
    34 "0034_steps",
    35 "0035_references",
    39 "0039_nodes",
    40 "0040_keep_deleted",
    45 "0045_step_times",
    46 "0046_known_groups",
    47 "0047_node_keys",
    49 "0049_deletions",
    50 "0050_message_days",
    51 "0051_suspensions",
    52 "0052_indexes",
    53 "0053_rare",
    54 "0054_events",
    55 "0055_lean",
    56 "0056_letters",
    57 "0057_originals",
}

/// A database of SQLite with the whole schema and nothing in it.
#[cfg(test)]
pub(crate) fn sqlite_schema() -> rusqlite::Connection {
    let conn = rusqlite::Connection::open_in_memory().unwrap();
    for (_, _, migration, _) in HISTORY {
        conn.execute_batch(migration).unwrap();
    }
    conn
}

/// How SQLite would go about a statement, step by step. The library that is built in may plan otherwise than others.
#[cfg(test)]
pub(crate) fn sqlite_plan(sql: &Sql) -> Vec<String> {
    sqlite_plan_on(&sqlite_schema(), sql)
}

/// The plan on a schema that is there already, for whoever asks for many.
#[cfg(test)]
pub(crate) fn sqlite_plan_on(conn: &rusqlite::Connection, sql: &Sql) -> Vec<String> {
    let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {}", sql.sqlite)).unwrap();
    let mut rows = statement.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        steps.push(row.get(3).unwrap());
    }
    steps
}

pub(crate) const HAS_HISTORY: Sql = Sql {
    name: "HAS_HISTORY",
    sqlite: "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'",
    postgres: "SELECT COUNT(to_regclass('_sqlx_migrations'))",
};

/// The newest migration that the database has.
pub(crate) const NEWEST: Sql = Sql {
    name: "NEWEST",
    sqlite: "SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations",
    postgres: "SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations",
};

pub(crate) const ALL: &[Sql] = &[HAS_HISTORY, NEWEST];

/// The newest migration of this program.
pub(crate) fn newest() -> i64 {
    HISTORY.last().map_or(0, |(version, ..)| *version)
}

/// The newest migration that a database has; 0 where it has no schema.
async fn version(conn: &mut Conn) -> Result<i64, Error> {
    let mut number = async |sql: &Sql| conn.fetch(sql, &[]).await?.pop().map_or(Ok(0), |mut row| row.int());
    if number(&HAS_HISTORY).await? == 0 { Ok(0) } else { number(&NEWEST).await }
}

/// A table that the migrations make.
pub(crate) struct MigratedTable {
    pub(crate) name: &'static str,
    /// Its rows are numbered by a sequence.
    pub(crate) numbered: bool,
}

/// The tables of PostgreSQL, as the migrations spell them: one statement begins with the name and ends with its own line.
pub(crate) fn tables() -> impl Iterator<Item = MigratedTable> {
    HISTORY.iter().flat_map(|(_, _, _, postgres)| postgres.split("CREATE TABLE ").skip(1)).filter_map(|rest| {
        let (body, _) = rest.split_once("\n);")?;
        Some(MigratedTable { name: body.split_once(' ')?.0, numbered: body.contains("number BIGINT GENERATED") })
    })
}

/// Brings the schema to the newest version. Refuses a database whose history is not ours: an edited migration, or a
/// newer program's; and an older release's, unless it may be updated.
pub(crate) async fn run(conn: &mut Conn, dialect: Dialect, updates: bool) -> Result<(), OpenError> {
    let migrations = HISTORY.iter().map(|(version, name, sqlite, postgres)| {
        let sql = match dialect {
            Dialect::Sqlite => sqlite,
            Dialect::Postgres => postgres,
        };
        Migration::new(*version, (*name).into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let migrations: Vec<Migration> = migrations.collect();
    let (began, from) = (Instant::now(), version(conn).await.map_err(|error| MigrateError::Source(error.into()))?);
    let own = newest();
    if from > own {
        return Err(MigrateError::VersionMissing(from).into());
    }
    if 0 < from && from < own {
        if !updates {
            return Err(OpenError::Behind { found: from, own });
        }
        tracing::warn!(from, to = own, "the schema is brought up to date; from then on an older release refuses this database");
    }
    match conn {
        Conn::Sqlite(conn) => sqlite(conn, &migrations)?,
        Conn::Postgres(conn) => {
            Migrator::with_migrations(migrations).run(&mut **conn).await?;
            if 0 < from
                && from < own
                && let Err(error) = analyze(conn).await
            {
                tracing::warn!(%error, "PostgreSQL did not count its tables anew: until it does so by itself, reads may be slow");
            }
        }
    }
    if from < own {
        tracing::info!(from, to = own, ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX), "the schema is up to date");
    }
    Ok(())
}

/// Has PostgreSQL count its tables anew. By itself it does so a minute later or more, and until then it plans for what they were: a table
/// that was just filled is empty to it, and of a new index it knows nothing. Passes over a table that somebody else changes.
pub(crate) async fn analyze(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    let names: Vec<_> = tables().map(|table| table.name).collect();
    let statement = format!("ANALYZE (SKIP_LOCKED) {}", names.join(", "));
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(conn).await.map(drop)
}

/// What sqlx's migrator does, with the same table, over the driver that we use.
const HISTORY_TABLE: &str = "CREATE TABLE IF NOT EXISTS _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, \
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)";
const APPLIED: &str = "SELECT version, checksum FROM _sqlx_migrations ORDER BY version";
const APPLY: &str = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (?1, ?2, TRUE, ?3, 0)";

fn sqlite(conn: &mut rusqlite::Connection, migrations: &[Migration]) -> Result<(), MigrateError> {
    let failed = |error: rusqlite::Error| MigrateError::Source(Box::new(error));
    conn.execute_batch(HISTORY_TABLE).map_err(failed)?;
    let applied: Vec<(i64, Vec<u8>)> = {
        let mut statement = conn.prepare(APPLIED).map_err(failed)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)?
    };
    for (version, checksum) in &applied {
        let known = migrations.iter().find(|migration| migration.version == *version).ok_or(MigrateError::VersionMissing(*version))?;
        if *known.checksum != **checksum {
            return Err(MigrateError::VersionMismatch(*version));
        }
    }
    for migration in migrations.iter().filter(|migration| applied.iter().all(|(version, _)| *version != migration.version)) {
        let tx = conn.transaction().map_err(failed)?;
        tx.execute_batch(migration.sql.as_str()).map_err(failed)?;
        tx.execute(APPLY, params![migration.version, &*migration.description, &*migration.checksum]).map_err(failed)?;
        tx.commit().map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_of_the_migrations_is_known_with_whether_it_is_numbered() {
        let names: Vec<_> = tables().map(|table| table.name).collect();
        let made: usize = HISTORY.iter().map(|(_, _, _, postgres)| postgres.matches("CREATE TABLE").count()).sum();
        assert_eq!(names.len(), made);
        let numbered: Vec<_> = tables().filter(|table| table.numbered).map(|table| table.name).collect();
        assert_eq!(numbered, ["api_keys", "sessions", "messages", "events", "webhooks", "audit", "users"]);
    }
}
