//! The schema's history, the same versions on both databases.
//!
//! Embedded by hand: sqlx's macro for it would bring the whole of its macros into every build.

use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use crate::dialect::Dialect;
use crate::sql::Conn;

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
    6 "0006_messages",
}

/// Brings the schema to the newest version. Refuses a database whose history is not ours: an edited migration, or a
/// newer program's.
pub(crate) async fn run(conn: &mut Conn, dialect: Dialect) -> Result<(), MigrateError> {
    let migrations = HISTORY.iter().map(|(version, name, sqlite, postgres)| {
        let sql = match dialect {
            Dialect::Sqlite => sqlite,
            Dialect::Postgres => postgres,
        };
        Migration::new(*version, (*name).into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let migrator = Migrator::with_migrations(migrations.collect());
    match conn {
        Conn::Sqlite(conn) => migrator.run(&mut **conn).await,
        Conn::Postgres(conn) => migrator.run(&mut **conn).await,
    }
}
