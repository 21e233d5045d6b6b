//! Opening the store, and closing it.

mod place;
mod private;

use std::error::Error as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fs4::FileExt;
use futures::future::BoxFuture;
use sqlx::migrate::MigrateError;
use tokio::time::Instant;
use wharf_core::event::Bell;
use wharf_core::store::Error;
use wharf_core::{Chance, Meter};

use crate::dialect::{Connect, Dialect, Durability};
use crate::lane::{Lanes, Place};
use crate::readers::Readers;
use crate::sql::{Conn, Tx};
use crate::{fitness, horizon, migrations, statements};

/// Services that are started together do not all stand at once.
const STARTING: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(500);

/// Which database, and what the store takes from outside.
#[derive(Clone)]
pub struct Config {
    /// `sqlite:PATH` or `postgres://…`.
    pub url: String,
    /// Where the ids of events come from.
    pub chance: Arc<dyn Chance>,
    /// Where commits are counted.
    pub meter: Arc<Meter>,
    /// How many connections read; `None` for 4 on SQLite and 8 on PostgreSQL.
    pub readers: Option<usize>,
    /// How many connections write; `None` for 8 on PostgreSQL. SQLite always has one.
    pub lanes: Option<usize>,
}

impl Config {
    pub fn new(url: impl Into<String>, chance: Arc<dyn Chance>) -> Self {
        Self { url: url.into(), chance, meter: Arc::default(), readers: None, lanes: None }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the database URL must begin with sqlite: or postgres://")]
    Url,
    #[error("the database URL cannot be read")]
    Postgres(#[source] sqlx::Error),
    /// Another process runs on the file. Two would break each other's sessions.
    #[error("the database {} is in use by another process", .0.display())]
    InUse(PathBuf),
    #[error("the database folder or its lock file cannot be used: {}", .path.display())]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the database cannot be reached")]
    Connect(#[source] Error),
    #[error("the schema cannot be brought up to date")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    #[error(
        "the database was made by a newer Wharf (migration {found}; this release knows {own}): run that release, or put the backup from \
         before the update back"
    )]
    Newer { found: i64, own: i64 },
    /// It cannot hold what people write.
    #[error(
        "the database has the encoding {0}, and must have UTF8: make another with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
    )]
    Encoding(String),
    #[error("the role of the database URL lacks rights: {0}")]
    Rights(String),
    /// What is written next would clash with what is there: a copy of the rows without their sequences.
    #[error(
        "the sequence of {table} is behind its rows; mend it with: SELECT setval(pg_get_serial_sequence('{table}', 'number'), {newest})"
    )]
    Sequence { table: &'static str, newest: i64 },
    /// Two connections to it are one: what is prepared, locked or set over one is not there a moment later.
    #[error(
        "a pooler stands before PostgreSQL and shares out its connections: Wharf needs its session mode (pgbouncer: pool_mode = session), or \
         the server itself"
    )]
    Pooler,
    #[error("the disk of {} is full", .0.display())]
    DiskFull(PathBuf),
    #[error("{} cannot be written: who runs this needs the right to, on a disk that takes it", .0.display())]
    ReadOnly(PathBuf),
    /// Only what this program wrote is looked through.
    #[error("the schema is at migration {found}, and this program at {own}: look with the program that runs on it")]
    Schema { found: i64, own: i64 },
    /// The file's system cannot do what durability needs.
    #[error("the database would not survive a power cut: journal {}, synchronous {}", .0.journal, .0.synchronous)]
    NotDurable(Durability),
}

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

/// The store. Dropping it carries out the writes that are queued; [`SqlStore::close`] also waits for that.
pub struct SqlStore {
    pub(crate) lanes: Lanes,
    /// A connection of its own for the node's lease: no tenant's writes stand before it. SQLite has one writer, and no other nodes.
    pub(crate) lease: Option<Lanes>,
    pub(crate) readers: Readers,
    /// Where the database is a file.
    pub(crate) file: Option<fitness::OpenedFile>,
    pub(crate) horizon: horizon::Watch,
    pub(crate) bell: Arc<Bell>,
    pub(crate) meter: Arc<Meter>,
    writer: Connect,
}

/// Opens the database, brings its schema up to date and starts the lanes. Needs a Tokio runtime.
pub async fn open(config: Config) -> Result<Arc<SqlStore>, OpenError> {
    if let Some(path) = config.url.strip_prefix("sqlite:") {
        let path = Path::new(path.strip_prefix("//").unwrap_or(path)).to_owned();
        return open_sqlite(config, &path).await;
    }
    if config.url.starts_with("postgres:") || config.url.starts_with("postgresql:") {
        return open_postgres(config).await;
    }
    Err(OpenError::Url)
}

async fn open_sqlite(config: Config, path: &Path) -> Result<Arc<SqlStore>, OpenError> {
    open_file(config, path).await.map_err(|error| place::named(path, error))
}

async fn open_file(config: Config, path: &Path) -> Result<Arc<SqlStore>, OpenError> {
    let lock = Arc::new(lock(path)?);
    private::made(path).map_err(|source| OpenError::File { path: path.to_owned(), source })?;
    let writer = Connect::sqlite_writer(path);
    let mut conn = writer.connect().await.map_err(OpenError::Connect)?;
    let durability = durability(&mut conn, Dialect::Sqlite).await.map_err(OpenError::Connect)?;
    if durability.journal != "wal" || durability.synchronous != "2" {
        return Err(OpenError::NotDurable(durability));
    }
    migrations::run(&mut conn, Dialect::Sqlite).await?;
    let file = fitness::OpenedFile::of(path).map_err(|source| OpenError::File { path: path.to_owned(), source })?;
    let bell = Arc::default();
    let lanes = Lanes::start(vec![conn], &writer, &config, &bell, Some(&lock));
    let readers = Readers::new(Connect::sqlite_reader(path), config.readers.unwrap_or(4).max(1));
    let (horizon, meter) = (horizon::Watch::new(Dialect::Sqlite), config.meter);
    Ok(Arc::new(SqlStore { lanes, lease: None, readers, file: Some(file), horizon, bell, meter, writer }))
}

async fn open_postgres(config: Config) -> Result<Arc<SqlStore>, OpenError> {
    let patient = Connect::postgres_patient(&config.url).map_err(OpenError::Postgres)?;
    let mut conn = awaited(&patient).await?;
    fitness::unshared(&mut conn, &patient).await?;
    fitness::encoding(&mut conn).await?;
    migrations::run(&mut conn, Dialect::Postgres).await?;
    fitness::rights(&mut conn).await?;
    fitness::sequences(&mut conn).await?;
    conn.close().await;
    let writer = Connect::postgres_writer(&config.url).map_err(OpenError::Postgres)?;
    let mut conns = Vec::new();
    for _ in 0..config.lanes.unwrap_or(8).max(1) {
        conns.push(writer.connect().await.map_err(OpenError::Connect)?);
    }
    let bell = Arc::default();
    let lanes = Lanes::start(conns, &writer, &config, &bell, None);
    let lease = writer.connect().await.map_err(OpenError::Connect)?;
    let lease = Some(Lanes::start(vec![lease], &writer, &config, &bell, None));
    let reader = Connect::postgres_reader(&config.url).map_err(OpenError::Postgres)?;
    let readers = Readers::new(reader, config.readers.unwrap_or(8).max(1));
    let (horizon, meter) = (horizon::Watch::new(Dialect::Postgres), config.meter);
    Ok(Arc::new(SqlStore { lanes, lease, readers, file: None, horizon, bell, meter, writer }))
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
    /// Carries out what is queued, refuses what comes after, and closes every connection.
    pub async fn close(&self) {
        self.readers.close().await;
        self.lanes.close().await;
        if let Some(lease) = &self.lease {
            lease.close().await;
        }
    }

    /// What the database says of its own durability, as a fresh writing connection sees it.
    pub async fn durability(&self) -> Result<Durability, Error> {
        let mut conn = self.writer.connect().await?;
        let durability = durability(&mut conn, self.writer.dialect()).await;
        conn.close().await;
        durability
    }

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

    /// Writes for one session, or for the account where `session` is empty.
    pub(crate) async fn write<T, W>(&self, account: &str, session: &str, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Error>> + Clone + Send + 'static,
    {
        self.lanes.write(Place::of(account, session), work).await
    }

    /// Writes for one session what touches rows of its account as well.
    pub(crate) async fn write_shared<T, W>(&self, account: &str, session: &str, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Error>> + Clone + Send + 'static,
    {
        self.lanes.write(Place::shared(account, session), work).await
    }
}

async fn durability(conn: &mut Conn, dialect: Dialect) -> Result<Durability, Error> {
    let [journal, synchronous] = dialect.durability();
    Ok(Durability { journal: conn.setting(journal).await?, synchronous: conn.setting(synchronous).await? })
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
