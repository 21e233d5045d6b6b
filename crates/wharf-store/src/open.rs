//! Opening the store: the database is made fit, and every statement is known here.

pub(crate) mod error;
pub(crate) mod file;
mod place;
mod private;

use std::error::Error as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fs4::FileExt;
use sqlx::migrate::MigrateError;
use tokio::time::Instant;
use wharf_core::store::Error;

use crate::config::Config;
use crate::dialect::{Connect, Dialect};
use crate::event::EventIds;
use crate::lane::{Holdings, Lanes, RecentAccounts, Sessions};
use crate::readers::Readers;
use crate::sql::{Conn, prepare_found, prepare_kept};
use crate::store::{SqlStore, durability};
use crate::{fitness, horizon, migrations, statements};

pub use error::OpenError;

/// How many sessions are kept in memory.
const SESSIONS: usize = 10_000;
/// And how many accounts.
const ACCOUNTS: usize = 10_000;

/// Services that are started together do not all stand at once.
const STARTING: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(500);

impl From<MigrateError> for OpenError {
    fn from(error: MigrateError) -> Self {
        let own = migrations::newest();
        match error {
            MigrateError::VersionMissing(found) if found > own => Self::Newer { found, own },
            MigrateError::Execute(cause) if fitness::is_of_a_pooler(&cause) => Self::Pooler,
            error => Self::Migrate(error),
        }
    }
}

/// Opens the database, brings its schema up to date and starts the lanes. Needs a Tokio runtime.
pub async fn open(config: Config) -> Result<Arc<SqlStore>, OpenError> {
    if let Some(path) = file_of(&config.url) {
        return open_sqlite(&config, &path).await;
    }
    if config.url.starts_with("postgres:") || config.url.starts_with("postgresql:") {
        return open_postgres(config).await;
    }
    Err(OpenError::Url)
}

/// Opens the database beside a gateway that runs on it, whose schema is this program's already. For a command that changes rows which stay
/// what they are, a few at a time: a file has one process by right, whose lock is not taken, and its writer waits for ours.
pub async fn open_beside(config: Config) -> Result<Arc<SqlStore>, OpenError> {
    let seen = crate::glance(&config.url).await?;
    if seen.found != seen.own {
        return Err(OpenError::Behind { found: seen.found, own: seen.own });
    }
    let Some(path) = file_of(&config.url) else { return open(config).await };
    sqlite(&config, &path, None).await.map_err(|error| place::named(&path, error))
}

/// Whether a process has the database's file. A server tells by its nodes' leases who is there.
pub fn is_in_use(url: &str) -> Result<bool, OpenError> {
    let Some(path) = file_of(url) else { return Ok(false) };
    match lock(&path) {
        Ok(_) => Ok(false),
        Err(OpenError::InUse(_)) => Ok(true),
        Err(error) => Err(error),
    }
}

/// SQLite's file, where the address is one's.
fn file_of(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite:")?;
    Some(Path::new(path.strip_prefix("//").unwrap_or(path)).to_owned())
}

async fn open_sqlite(config: &Config, path: &Path) -> Result<Arc<SqlStore>, OpenError> {
    open_file(config, path).await.map_err(|error| place::named(path, error))
}

async fn open_file(config: &Config, path: &Path) -> Result<Arc<SqlStore>, OpenError> {
    let lock = Arc::new(lock(path)?);
    private::made(path).map_err(|source| OpenError::File { path: path.to_owned(), source })?;
    sqlite(config, path, Some(&lock)).await
}

/// Opens the file. Who has its lock brings the schema up to date.
async fn sqlite(config: &Config, path: &Path, lock: Option<&Arc<File>>) -> Result<Arc<SqlStore>, OpenError> {
    let writer = Connect::sqlite_writer(path);
    let mut conn = writer.connect().await.map_err(OpenError::Connect)?;
    let durability = durability(&mut conn, Dialect::Sqlite).await.map_err(OpenError::Connect)?;
    if durability.journal != "wal" || durability.synchronous != "2" {
        return Err(OpenError::NotDurable(durability));
    }
    if lock.is_some() {
        migrations::run(&mut conn, Dialect::Sqlite, config.updates).await?;
    }
    let file = file::OpenedFile::of(path).map_err(|source| OpenError::File { path: path.to_owned(), source })?;
    // Whoever writes beside a gateway does not know what that one writes.
    let (bell, sessions) = (Arc::default(), lock.map(|_| Arc::new(Sessions::new(SESSIONS))));
    let accounts = lock.map(|_| Arc::new(RecentAccounts::new(ACCOUNTS)));
    let holdings = Holdings { lock, sessions: sessions.as_ref(), accounts: accounts.as_ref() };
    let lanes = Lanes::start(vec![conn], &writer, config, &bell, holdings);
    let readers = Readers::new(Connect::sqlite_reader(path), config.readers.unwrap_or(4).max(1));
    let event_ids = Some(EventIds::read(&readers).await.map_err(OpenError::Connect)?);
    let (horizon, meter) = (horizon::Watch::new(Dialect::Sqlite), Arc::clone(&config.meter));
    let (lease, file, recalled) = (None, Some(file), None);
    Ok(Arc::new(SqlStore { lanes, lease, readers, file, sessions, recalled, accounts, event_ids, horizon, bell, meter, writer }))
}

async fn open_postgres(config: Config) -> Result<Arc<SqlStore>, OpenError> {
    let patient = Connect::postgres_patient(&config.url).map_err(OpenError::Postgres)?;
    let mut conn = awaited(&patient).await?;
    fitness::unshared(&mut conn, &patient).await?;
    fitness::encoding(&mut conn).await?;
    fitness::order(&mut conn).await?;
    migrations::run(&mut conn, Dialect::Postgres, config.updates).await?;
    fitness::rights(&mut conn).await?;
    fitness::sequences(&mut conn).await?;
    conn.close().await;
    let (kept, found) = (statements::kept().into_iter().map(prepare_kept), statements::found().into_iter().map(prepare_found));
    let prepared: Vec<String> = kept.chain(found).collect();
    let writer = Connect::postgres_writer(&config.url, &prepared).map_err(OpenError::Postgres)?;
    let mut conns = Vec::new();
    for _ in 0..config.lanes.unwrap_or(8).max(1) {
        conns.push(writer.connect().await.map_err(OpenError::Connect)?);
    }
    let (bell, recalled) = (Arc::default(), Arc::new(Sessions::new(SESSIONS)));
    let lanes = Lanes::start(conns, &writer, &config, &bell, Holdings { sessions: Some(&recalled), ..Holdings::default() });
    // It asks for no rows as it begins, and goes on while somebody has locked the tables.
    let leaser = Connect::postgres_writer(&config.url, &[]).map_err(OpenError::Postgres)?;
    let lease = leaser.connect().await.map_err(OpenError::Connect)?;
    let lease = Some(Lanes::start(vec![lease], &leaser, &config, &bell, Holdings::default()));
    let reader = Connect::postgres_reader(&config.url).map_err(OpenError::Postgres)?;
    let readers = Readers::new(reader, config.readers.unwrap_or(8).max(1));
    let (horizon, meter) = (horizon::Watch::new(Dialect::Postgres), config.meter);
    let (file, sessions, recalled, accounts, event_ids) = (None, None, Some(recalled), None, None);
    Ok(Arc::new(SqlStore { lanes, lease, readers, file, sessions, recalled, accounts, event_ids, horizon, bell, meter, writer }))
}

/// Connects to a server that may be starting beside us.
async fn awaited(connect: &Connect) -> Result<Conn, OpenError> {
    let until = Instant::now() + STARTING;
    let mut told = false;
    loop {
        let error = match connect.connect().await {
            Err(error @ Error::Unavailable(_)) if Instant::now() < until => error,
            done => return done.map_err(OpenError::Connect),
        };
        if !std::mem::replace(&mut told, true) {
            let cause = error.source().map(ToString::to_string);
            tracing::warn!(cause, "the database does not answer yet; it is waited for {} seconds", STARTING.as_secs());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

impl SqlStore {
    /// Has the database parse every statement that the store can send; tells how many there are.
    pub async fn check_statements(&self) -> Result<usize, Error> {
        let mut conn = self.writer.connect().await?;
        let mut count = 0;
        for sql in statements::all() {
            conn.prepare(sql).await?;
            count += 1;
        }
        conn.close().await;
        Ok(count)
    }
}

/// Takes the file's lock for the life of the returned value.
fn lock(database: &Path) -> Result<File, OpenError> {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    let path = PathBuf::from(name);
    let failed = |source| OpenError::File { path: path.clone(), source };
    let file = File::options().create(true).write(true).truncate(false).open(&path).map_err(failed)?;
    match FileExt::try_lock(&file) {
        Ok(()) => Ok(file),
        Err(fs4::TryLockError::WouldBlock) => Err(OpenError::InUse(database.to_owned())),
        Err(fs4::TryLockError::Error(source)) => Err(failed(source)),
    }
}
