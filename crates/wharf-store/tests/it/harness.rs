//! A fresh database for every test.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::types::Value;
use sqlx::{Connection, PgConnection, Row};
use wharf_api::ids::{AccountId, MessageId, SessionId};
use wharf_api::types::message::MessageStatus;
use wharf_core::Chance;
use wharf_core::chance::SystemChance;
use wharf_core::message::view;
use wharf_core::store::{MessageRow, MessageStore};
use wharf_store::{Config, SqlStore, message_of, open, told_in};

/// Runs each test on both databases.
macro_rules! both_backends {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let db = crate::harness::Db::sqlite().await;
                super::$name(&db).await;
                db.finish().await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let db = crate::harness::Db::postgres().await;
                super::$name(&db).await;
                db.finish().await;
            })+
        }
    };
}
pub(crate) use both_backends;

/// An open store with what is needed to look behind it.
pub struct Db {
    pub store: Arc<SqlStore>,
    pub url: String,
    /// The folder of the SQLite file.
    folder: Option<PathBuf>,
    /// The database on the PostgreSQL server, and the URL that may drop it.
    server: Option<(String, String)>,
}

pub fn fresh_name() -> String {
    format!("wharf_test_{}", SystemChance.uuid().simple())
}

/// Few connections: many tests run at once, and the server has only so many.
pub fn config(url: &str) -> Config {
    Config { lanes: Some(2), readers: Some(2), ..Config::new(url, Arc::new(SystemChance)) }
}

impl Db {
    pub async fn sqlite() -> Self {
        let folder = std::env::temp_dir().join(fresh_name());
        std::fs::create_dir(&folder).unwrap();
        let url = format!("sqlite:{}", folder.join("wharf.sqlite").display());
        let store = open(config(&url)).await.unwrap();
        Self { store, url, folder: Some(folder), server: None }
    }

    pub async fn postgres() -> Self {
        let admin = std::env::var("WHARF_TEST_POSTGRES_URL")
            .expect("WHARF_TEST_POSTGRES_URL is not set: run `cargo xtask test`, or keep a server up with `cargo xtask postgres`");
        let name = fresh_name();
        execute_postgres(&admin, &format!("CREATE DATABASE {name}")).await;
        let url = match admin.rsplit_once('/') {
            Some((server, _)) => format!("{server}/{name}"),
            None => panic!("{admin} names no database"),
        };
        let store = open(config(&url)).await.unwrap();
        Self { store, url, folder: None, server: Some((admin, name)) }
    }

    pub fn is_sqlite(&self) -> bool {
        self.folder.is_some()
    }

    /// A second store on the same database, as another process would have it; SQLite allows none.
    pub async fn second(&self) -> Option<Arc<SqlStore>> {
        if self.is_sqlite() {
            return None;
        }
        Some(open(config(&self.url)).await.unwrap())
    }

    /// Asks the database itself, for a list of numbers.
    pub async fn ints(&self, sql: &str) -> Vec<i64> {
        if let Some(path) = self.url.strip_prefix("sqlite:") {
            return first_cells(path, sql);
        }
        let mut conn = PgConnection::connect(&self.url).await.unwrap();
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).fetch_all(&mut conn).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    pub async fn texts(&self, sql: &str) -> Vec<String> {
        if let Some(path) = self.url.strip_prefix("sqlite:") {
            return first_cells(path, sql);
        }
        let mut conn = PgConnection::connect(&self.url).await.unwrap();
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).fetch_all(&mut conn).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// What events tell, in their order, of those that meet a condition.
    pub async fn told(&self, condition: &str) -> Vec<String> {
        let Some(path) = self.url.strip_prefix("sqlite:") else {
            return self.texts(&format!("SELECT data FROM events WHERE {condition} ORDER BY number")).await;
        };
        let mut told = Vec::new();
        for (session, data) in told_rows(path, condition) {
            told.push(match data {
                Value::Text(text) => text,
                Value::Blob(packed) => told_in(&session, &packed).expect("it was packed for this session"),
                Value::Integer(of) => self.told_by_message(message_of(of), of & 7).await,
                other => panic!("an event tells {other:?}"),
            });
        }
        told
    }

    /// What an event tells of a message as its row has it.
    async fn told_by_message(&self, number: i64, status: i64) -> String {
        use MessageStatus::{Delivered, Failed, Played, Queued, Read, Received, Sent};
        let ids = self.texts(&format!("SELECT account_id || id FROM messages WHERE number = {number}")).await;
        let (account, id) = ids[0].split_at(36);
        let (account, id) = (AccountId::parse(account).unwrap(), MessageId::parse(id).unwrap());
        let row = self.store.find_message(&account, &id).await.unwrap().unwrap();
        let status = [Queued, Sent, Delivered, Read, Played, Failed, Received][usize::try_from(status).unwrap()];
        serde_json::to_string(&view(&MessageRow { status, ..row })).unwrap()
    }

    /// The kinds of events, in their order, of those that meet a condition.
    pub async fn kinds(&self, condition: &str) -> Vec<String> {
        let kind = self.kind();
        self.texts(&format!("SELECT kind FROM (SELECT number, {kind} AS kind FROM events) e WHERE {condition} ORDER BY number")).await
    }

    /// The kind of an event by its name.
    pub fn kind(&self) -> &'static str {
        if self.is_sqlite() {
            "CASE kind WHEN 's' THEN 'message.status' WHEN 'o' THEN 'message.sent' WHEN 'd' THEN 'message.delivered' \
             WHEN 'r' THEN 'message.read' WHEN 'i' THEN 'message.received' ELSE kind END"
        } else {
            "kind"
        }
    }

    /// The condition that an event is of an account, and the one that it is of a session.
    pub fn of_account(&self, account: &AccountId) -> String {
        if self.is_sqlite() {
            format!("account = (SELECT number FROM accounts WHERE id = '{account}')")
        } else {
            format!("account_id = '{account}'")
        }
    }

    pub fn of_session(&self, session: &SessionId) -> String {
        if self.is_sqlite() {
            format!("session = (SELECT number FROM sessions WHERE id = '{session}')")
        } else {
            format!("session_id = '{session}'")
        }
    }

    /// Changes something behind the store's back.
    pub async fn execute(&self, sql: &str) {
        match self.url.strip_prefix("sqlite:") {
            Some(path) => rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap(),
            None => execute_postgres(&self.url, sql).await,
        }
    }

    /// How many rows every table has: two equal answers mean that nothing was inserted or deleted between.
    pub async fn sizes(&self) -> Vec<i64> {
        let mut sizes = Vec::new();
        for table in ["messages", "outgoing", "message_steps", "events", "idempotency", "usage", "sessions", "session_owner", "vault"] {
            sizes.extend(self.ints(&format!("SELECT COUNT(*) FROM {table}")).await);
        }
        sizes
    }

    /// Drops the store without closing it; gives the URL and the folder that is the caller's to remove.
    pub fn drop_store(mut self) -> (String, PathBuf) {
        (self.url.clone(), self.folder.take().unwrap())
    }

    pub async fn finish(self) {
        self.store.close().await;
        if let Some((admin, name)) = &self.server {
            execute_postgres(admin, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }
}

impl Drop for Db {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

fn first_cells<T: rusqlite::types::FromSql>(path: &str, sql: &str) -> Vec<T> {
    let conn = rusqlite::Connection::open(path).unwrap();
    let mut statement = conn.prepare(sql).unwrap();
    let cells = statement.query_map([], |row| row.get(0)).unwrap();
    cells.collect::<Result<_, _>>().unwrap()
}

pub async fn execute_postgres(url: &str, sql: &str) {
    let mut conn = PgConnection::connect(url).await.expect("WHARF_TEST_POSTGRES_URL must lead to a running server");
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut conn).await.unwrap();
}

/// The sessions of events and what their rows have of what they tell.
fn told_rows(path: &str, condition: &str) -> Vec<(String, Value)> {
    let conn = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT COALESCE((SELECT s.id FROM sessions s WHERE s.number = events.session), ''), data FROM events WHERE";
    let mut statement = conn.prepare(&format!("{sql} {condition} ORDER BY number")).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}
