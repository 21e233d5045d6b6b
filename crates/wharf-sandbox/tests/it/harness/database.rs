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

/// The database of one test; SQLite's is the file that the gateway makes by itself in its data folder.
pub enum Database {
    Sqlite,
    Postgres { url: String },
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
                Self::Postgres { url: format!("{server}/{name}") }
            }
        }
    }

    /// Where the server listens.
    pub async fn address(&self) -> SocketAddr {
        let url = url::Url::parse(self.url().expect("a server")).unwrap();
        let place = (url.host_str().unwrap().to_owned(), url.port().unwrap_or(5432));
        tokio::net::lookup_host(place).await.unwrap().next().unwrap()
    }

    /// From now on the way to the server leads through another address.
    pub fn lead_through(&mut self, address: SocketAddr) {
        let Self::Postgres { url } = self else { panic!("a file is reached by no address") };
        let mut changed = url::Url::parse(url).unwrap();
        changed.set_ip_host(address.ip()).unwrap();
        changed.set_port(Some(address.port())).unwrap();
        changed.set_query(Some("sslmode=disable"));
        *url = changed.into();
    }

    /// The address to hand to the gateway; `None` for its own default.
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres { url } => Some(url),
        }
    }
}
