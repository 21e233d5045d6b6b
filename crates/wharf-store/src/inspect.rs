//! Looks through the whole database for what must not be: rows that are lost, doubled, wrong or stale. Reads, and does nothing else: no
//! migration, no lock, no transaction that is longer than a page. A gateway may run meanwhile.

mod events;
mod links;
mod messages;
mod report;
mod webhooks;

use std::path::Path;

use wharf_api::Timestamp;
use wharf_api::ids::MediaId;
use wharf_core::store::{Error, MediaRow};

use crate::dialect::{Connect, Dialect};
use crate::event::EventIds;
use crate::open::error::OpenError;
use crate::readers::Readers;
use crate::sql::{Sql, args, statements};
use crate::{database, horizon, media, migrations, owner};

pub use report::{Class, Found, Report};

/// How many rows one look reads: a statement has its time, and messages may be large.
const PAGE: u32 = 200;

statements! {
    MEDIA = concat!("SELECT ", media::columns!(), " FROM media WHERE id > $1 ORDER BY id LIMIT $2");
    IS_MEDIA = "SELECT 1 FROM media WHERE id = $1";
    NODES = "SELECT COUNT(*) FROM node_lease WHERE expires_at > $1";
}

pub(crate) fn all() -> [&'static [Sql]; 6] {
    [ALL, events::ALL, events::BY_HAND, links::ALL, messages::ALL, webhooks::ALL]
}

/// A database that is only read.
pub struct Inspection {
    pub(crate) readers: Readers,
    horizon: horizon::Watch,
    event_ids: Option<EventIds>,
}

/// How to read the database at that address.
pub(crate) fn connect(url: &str) -> Result<Connect, OpenError> {
    let Some(path) = url.strip_prefix("sqlite:") else {
        return Connect::postgres_reader(url).map_err(OpenError::Postgres);
    };
    let path = Path::new(path.strip_prefix("//").unwrap_or(path));
    // Opening would make it.
    std::fs::metadata(path).map_err(|source| OpenError::File { path: path.to_owned(), source })?;
    Ok(Connect::sqlite_reader(path))
}

/// Opens the database as it is. Refuses one whose schema is another than this program's.
pub async fn inspect(url: &str) -> Result<Inspection, OpenError> {
    let readers = Readers::new(connect(url)?, 1);
    let found = readers.first(&migrations::NEWEST, &[]).await.map_err(OpenError::Connect)?;
    let found = found.map_or(Ok(0), |mut row| row.int()).map_err(OpenError::Connect)?;
    let own = migrations::newest();
    if found != own {
        return Err(OpenError::Schema { found, own });
    }
    let event_ids = match readers.dialect() {
        Dialect::Sqlite => Some(EventIds::read(&readers).await.map_err(OpenError::Connect)?),
        Dialect::Postgres => None,
    };
    let horizon = horizon::Watch::new(readers.dialect());
    Ok(Inspection { readers, horizon, event_ids })
}

impl Inspection {
    /// The world to which the database belongs.
    pub async fn world(&self) -> Result<String, Error> {
        self.readers.first(&database::MARKED, args!["world"]).await?.map_or(Ok(String::new()), |mut row| row.text())
    }

    /// Whether a gateway runs on it.
    pub async fn is_served(&self, now: Timestamp) -> Result<bool, Error> {
        let now = owner::told(self.readers.first(&owner::CLOCK, args![now]).await?)?;
        Ok(self.readers.first(&NODES, args![now]).await?.map_or(Ok(0), |mut row| row.int())? > 0)
    }

    /// Looks at all rows, some at a time; files are for whoever has them. `reads_back` tells whether the engine can still read a payload,
    /// by its session and its id on the wire.
    pub async fn look(&self, now: Timestamp, reads_back: impl Fn(&str, &str, &[u8]) -> bool, report: &mut Report) -> Result<(), Error> {
        let served = self.is_served(now).await?;
        self.messages(now, served, &reads_back, report).await?;
        self.events(report).await?;
        self.links(now, report).await?;
        self.webhooks(report).await?;
        if served {
            self.unattended(now, report).await?;
        }
        Ok(())
    }

    /// The files after that one, in the order of their ids, and how far that went; none at the end.
    pub async fn media(&self, after: &str, report: &mut Report) -> Result<(Vec<MediaRow>, Option<String>), Error> {
        let mut rows = self.readers.fetch(&MEDIA, args![after, PAGE]).await?;
        let (mut found, mut last) = (Vec::with_capacity(rows.len()), None);
        for row in &mut rows {
            let id = row.first_text();
            match media::media(row) {
                Ok(row) => found.push(row),
                Err(Error::Corrupt(_)) => report.note(Class::Wrong, "files whose rows cannot be read", id.clone().unwrap_or_default()),
                Err(error) => return Err(error),
            }
            last = id;
        }
        Ok((found, last))
    }

    /// Whether the file still has its row: rows go before files do.
    pub async fn is_media(&self, id: &MediaId) -> Result<bool, Error> {
        Ok(self.readers.first(&IS_MEDIA, args![id]).await?.is_some())
    }

    pub async fn close(&self) {
        self.readers.close().await;
    }
}
