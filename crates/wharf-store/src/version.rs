//! The newest version of WhatsApp Web that any node knows.

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::types::whatsapp::VersionSource;
use wharf_core::store::{Error, FetchedVersion, VersionRow, VersionStore};

use crate::lane::Place;
use crate::sql::{Row, args, corrupt, statements};
use crate::store::SqlStore;

statements! {
    FIND = "SELECT version, source, fetched_at, tried_at, by_node, refused_version, refused_at, expires_at FROM whatsapp_version WHERE one = 1";
    CLAIM = "INSERT INTO whatsapp_version (one, tried_at, by_node) VALUES (1, $1, $2) \
        ON CONFLICT (one) DO UPDATE SET tried_at = excluded.tried_at, by_node = excluded.by_node \
        WHERE whatsapp_version.tried_at IS NULL OR whatsapp_version.tried_at <= $3 OR whatsapp_version.by_node = excluded.by_node RETURNING one";
    YIELD = "UPDATE whatsapp_version SET tried_at = NULL WHERE one = 1 AND by_node = $1";
    PUT = "INSERT INTO whatsapp_version (one, version, source, fetched_at, by_node) VALUES (1, $1, $2, $3, $4) \
        ON CONFLICT (one) DO UPDATE SET version = excluded.version, source = excluded.source, fetched_at = excluded.fetched_at, \
        by_node = excluded.by_node WHERE whatsapp_version.version IS NULL OR whatsapp_version.version <= excluded.version";
    REFUSE = "INSERT INTO whatsapp_version (one, refused_version, refused_at) VALUES (1, $1, $2) \
        ON CONFLICT (one) DO UPDATE SET refused_version = excluded.refused_version, refused_at = excluded.refused_at \
        WHERE whatsapp_version.refused_version IS NULL OR whatsapp_version.refused_version < excluded.refused_version";
    END = "INSERT INTO whatsapp_version (one, expires_at) VALUES (1, $1) ON CONFLICT (one) DO UPDATE SET expires_at = excluded.expires_at";
}

fn revision(int: i64) -> Result<u32, Error> {
    u32::try_from(int).map_err(|_| corrupt(format!("the version {int}")))
}

fn read(row: &mut Row) -> Result<VersionRow, Error> {
    let version = row.opt_int()?.map(revision).transpose()?;
    let (source, at) = (row.opt_parsed("a version's source", VersionSource::parse)?, row.opt_time()?);
    let (tried_at, by_node) = (row.opt_time()?, row.opt_text()?);
    let (refused, refused_at) = (row.opt_int()?.map(revision).transpose()?, row.opt_time()?);
    let fetched = version.zip(source).zip(at).map(|((revision, source), at)| FetchedVersion { revision, source, at });
    Ok(VersionRow { fetched, tried_at, by_node, refused: refused.zip(refused_at), expires_at: row.opt_time()? })
}

#[async_trait]
impl VersionStore for SqlStore {
    async fn find_version(&self) -> Result<VersionRow, Error> {
        Ok(self.readers.first(&FIND, &[]).await?.map(|mut row| read(&mut row)).transpose()?.unwrap_or_default())
    }

    async fn claim_version_fetch(&self, node: &str, due: Timestamp, now: Timestamp) -> Result<bool, Error> {
        let node = node.to_owned();
        self.write(Place::gateway(), move |tx| Box::pin(async move { Ok(tx.first(&CLAIM, args![now, &node, due]).await?.is_some()) })).await
    }

    async fn yield_version_fetch(&self, node: &str) -> Result<(), Error> {
        let node = node.to_owned();
        self.write(Place::gateway(), move |tx| Box::pin(async move { tx.execute(&YIELD, args![&node]).await.map(drop) })).await
    }

    async fn put_version(&self, node: &str, fetched: FetchedVersion) -> Result<(), Error> {
        let node = node.to_owned();
        self.write(Place::gateway(), move |tx| {
            Box::pin(async move {
                let FetchedVersion { revision, source, at } = fetched;
                tx.execute(&PUT, args![revision, source.as_str(), at, &node]).await.map(drop)
            })
        })
        .await
    }

    async fn put_version_refusal(&self, revision: u32, at: Timestamp) -> Result<(), Error> {
        self.write(Place::gateway(), move |tx| Box::pin(async move { tx.execute(&REFUSE, args![revision, at]).await.map(drop) })).await
    }

    async fn put_version_end(&self, at: Timestamp) -> Result<(), Error> {
        self.write(Place::gateway(), move |tx| Box::pin(async move { tx.execute(&END, args![at]).await.map(drop) })).await
    }
}
