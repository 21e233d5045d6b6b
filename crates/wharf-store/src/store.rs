//! The store as every noun sees it: its lanes, its readers, and the two ways to write. It knows no noun.

use std::sync::Arc;

use futures::future::BoxFuture;
use wharf_core::Meter;
use wharf_core::event::Bell;
use wharf_core::store::Error;

use crate::dialect::{Connect, Dialect, Durability};
use crate::event::EventIds;
use crate::horizon;
use crate::lane::{Foreseen, Lanes, Place, RecentAccounts, Sessions};
use crate::open::file::OpenedFile;
use crate::readers::Readers;
use crate::sql::{Conn, KeptKey, Tx};

/// The store. Dropping it carries out the writes that are queued; [`SqlStore::close`] also waits for that.
pub struct SqlStore {
    pub(crate) lanes: Lanes,
    /// A connection of its own for the node's lease: no tenant's writes stand before it. SQLite has one writer, and no other nodes.
    pub(crate) lease: Option<Lanes>,
    pub(crate) readers: Readers,
    /// Where the database is a file.
    pub(crate) file: Option<OpenedFile>,
    /// Where nobody else writes the database: every message asks for one.
    pub(crate) sessions: Option<Arc<Sessions>>,
    /// Where others do: sessions as they were read since this process last took or wrote one.
    pub(crate) recalled: Option<Arc<Sessions>>,
    /// Where nobody else writes the database: calls and messages ask for them.
    pub(crate) accounts: Option<Arc<RecentAccounts>>,
    /// Where the log has no ids of its events.
    pub(crate) event_ids: Option<EventIds>,
    pub(crate) horizon: horizon::Watch,
    pub(crate) bell: Arc<Bell>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) writer: Connect,
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

    /// Writes what lies at a place: see [`Lanes::write`].
    pub(crate) async fn write<T, W>(&self, place: Place, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Error>> + Clone + Send + 'static,
    {
        self.lanes.write(place, work).await
    }

    /// Writes what is written with every message: see [`Lanes::write_light`].
    pub(crate) async fn write_light<T, W>(&self, place: Place, keys: Vec<KeptKey>, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Error>> + Clone + Send + 'static,
    {
        self.lanes.write_light(place, keys, work).await
    }

    /// Writes what moves messages: see [`Lanes::write_foreseen`].
    pub(crate) async fn write_foreseen<T, W>(&self, place: Place, foreseen: Foreseen, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Error>> + Clone + Send + 'static,
    {
        self.lanes.write_foreseen(place, foreseen, work).await
    }
}

pub(crate) async fn durability(conn: &mut Conn, dialect: Dialect) -> Result<Durability, Error> {
    let [journal, synchronous] = dialect.durability();
    Ok(Durability { journal: conn.setting(journal).await?, synchronous: conn.setting(synchronous).await? })
}
