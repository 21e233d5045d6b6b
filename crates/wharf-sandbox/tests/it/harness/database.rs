//! A database for one test.

use std::net::SocketAddr;
use std::path::Path;

use sqlx::{Connection, Executor};

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// Of a row of `events` on SQLite, which has numbers: the ids of its account and its session.
const WHOSE_EVENT: [&str; 2] = [
    "COALESCE((SELECT a.id FROM accounts a WHERE a.number = events.account), 'of no account')",
    "COALESCE((SELECT s.id FROM sessions s WHERE s.number = events.session), '')",
];

/// The database of one test; SQLite's is the file that the gateway makes by itself in its data folder.
pub enum Database {
    Sqlite,
    /// `admin` is the way of the test where the gateway has one of its own.
    Postgres {
        url: String,
        admin: Option<String>,
    },
}

impl Database {
    pub async fn create(backend: Backend, dir: &Path) -> Self {
        match backend {
            Backend::Sqlite => Self::Sqlite,
            Backend::Postgres => {
                let admin = std::env::var("WHARF_TEST_POSTGRES_URL")
                    .expect("WHARF_TEST_POSTGRES_URL names no PostgreSQL: run the tests by `cargo xtask test`, which brings one up");
                let name = dir.file_name().unwrap().to_str().unwrap().replace('-', "_");
                let mut connection = sqlx::PgConnection::connect(&admin).await.expect("PostgreSQL answers");
                connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
                let (server, _) = admin.rsplit_once('/').unwrap();
                Self::Postgres { url: format!("{server}/{name}"), admin: None }
            }
        }
    }

    /// Everything that it holds. SQLite's file lies in `folder`.
    pub async fn stored(&self, folder: &Path) -> Vec<u8> {
        let mut all = Vec::new();
        let Some(url) = self.url() else {
            for file in std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
                if file.file_name().unwrap().to_string_lossy().contains(".sqlite") {
                    all.extend(std::fs::read(file).unwrap());
                }
            }
            return all;
        };
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        let tables: Vec<String> =
            sqlx::query_scalar("SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'")
                .fetch_all(&mut connection)
                .await
                .unwrap();
        for table in tables {
            let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT row::text FROM {table} row")))
                .fetch_all(&mut connection)
                .await
                .unwrap();
            all.extend(rows.join("\n").into_bytes());
        }
        // Bytes are shown as hexadecimal digits.
        let hex = String::from_utf8(all.clone()).unwrap();
        for digits in hex.split("\\x").skip(1) {
            let digits: Vec<u8> = digits.bytes().take_while(u8::is_ascii_hexdigit).collect();
            all.extend(digits.chunks_exact(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()));
        }
        all
    }

    /// Every row of every table that its catalogue lists, as text, with the table's name before it. `data` is the gateway's folder. What
    /// events tell is packed on SQLite.
    pub async fn rows(&self, data: &Path) -> Vec<String> {
        let mut all = Vec::new();
        let Some(url) = self.url() else {
            let conn = rusqlite::Connection::open(data.join("wharf.sqlite")).unwrap();
            let texts = |sql: &str| -> Vec<String> {
                conn.prepare(sql).unwrap().query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
            };
            for table in texts("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'") {
                let mut columns = texts(&format!("SELECT 'quote(\"' || name || '\")' FROM pragma_table_info('{table}')"));
                if table == "events" {
                    columns.extend(WHOSE_EVENT.map(str::to_owned));
                }
                let row = columns.join(" || ' ' || ");
                all.extend(texts(&format!("SELECT '{table}: ' || {row} FROM {table}")));
            }
            return all;
        };
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        let tables = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'";
        let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut connection).await.unwrap();
        for table in tables {
            let sql = format!("SELECT '{table}: ' || r::text FROM {table} r");
            let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
            all.extend(rows);
        }
        all
    }

    /// Where the server listens.
    pub async fn address(&self) -> SocketAddr {
        address(self.url().expect("a server")).await
    }

    /// The same, whatever way the gateway has.
    pub async fn server(&self) -> SocketAddr {
        let Self::Postgres { url, admin } = self else { panic!("a file has no server") };
        address(admin.as_ref().unwrap_or(url)).await
    }

    /// From now on the gateway's way to the server leads through another address. The test's own stays.
    pub fn lead_through(&mut self, address: SocketAddr, node: Option<&str>) {
        let led = self.led_through(address, node);
        let Self::Postgres { url, admin } = self else { panic!("a file is reached by no address") };
        let direct = std::mem::replace(url, led);
        admin.get_or_insert(direct);
    }

    /// The server's URL by another address. What a named node writes can be told from what others write: the server knows `wharf.node`.
    pub fn led_through(&self, address: SocketAddr, node: Option<&str>) -> String {
        let mut changed = url::Url::parse(self.url().expect("a file is reached by no address")).unwrap();
        changed.set_ip_host(address.ip()).unwrap();
        changed.set_port(Some(address.port())).unwrap();
        let name = node.map_or_else(String::new, |node| format!("&options=-c%20wharf.node%3D{node}"));
        changed.set_query(Some(&format!("sslmode=disable{name}")));
        changed.into()
    }

    /// A connection of the test's own.
    pub async fn connection(&self) -> sqlx::PgConnection {
        let Self::Postgres { url, admin } = self else { panic!("a file has no server") };
        sqlx::PgConnection::connect(admin.as_ref().unwrap_or(url)).await.unwrap()
    }

    /// Makes a role that may use all tables, for the gateway alone; gives its name.
    pub async fn log_in_as_another(&mut self) -> String {
        let Self::Postgres { url, admin } = self else { panic!("a file has no roles") };
        let mut changed = url::Url::parse(url).unwrap();
        let role = format!("{}_role", changed.path().trim_start_matches('/'));
        *admin = Some(std::mem::replace(url, {
            changed.set_username(&role).unwrap();
            changed.into()
        }));
        let sql = format!(
            "CREATE ROLE {role} LOGIN; GRANT ALL ON SCHEMA public TO {role}; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}; \
             GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut self.connection().await).await.unwrap();
        role
    }

    /// Runs statements beside the gateway, whose data folder is `data`.
    pub async fn execute(&self, data: &Path, sql: &str) {
        match self {
            Self::Sqlite => rusqlite::Connection::open(data.join("wharf.sqlite")).unwrap().execute_batch(sql).unwrap(),
            Self::Postgres { .. } => {
                sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut self.connection().await).await.unwrap();
            }
        }
    }

    /// The number that a query beside the gateway gives.
    pub async fn count(&self, data: &Path, sql: &str) -> i64 {
        match self {
            Self::Sqlite => rusqlite::Connection::open(data.join("wharf.sqlite")).unwrap().query_row(sql, [], |row| row.get(0)).unwrap(),
            Self::Postgres { .. } => {
                sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned())).fetch_one(&mut self.connection().await).await.unwrap()
            }
        }
    }

    /// The address to hand to the gateway; `None` for its own default.
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres { url, .. } => Some(url),
        }
    }
}

async fn address(url: &str) -> SocketAddr {
    let url = url::Url::parse(url).unwrap();
    let place = (url.host_str().unwrap().to_owned(), url.port().unwrap_or(5432));
    tokio::net::lookup_host(place).await.unwrap().next().unwrap()
}
