//! Media: the rows of files.

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, MediaId, SessionId};
use wharf_api::types::media::{MediaKind, MediaState};
use wharf_core::store::{Error, MediaRow, MediaStore};

use crate::open::SqlStore;
use crate::sql::{Row, args, corrupt, statements};

macro_rules! columns {
    () => {
        "id, account_id, session_id, kind, mime_type, size, sha256, width, height, seconds, file_name, state, created_at, expires_at"
    };
}

statements! {
    INSERT = concat!("INSERT INTO media (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)");
    FIND = concat!("SELECT ", columns!(), " FROM media WHERE account_id = $1 AND id = $2");
    EXTEND = "UPDATE media SET expires_at = $3 WHERE account_id = $1 AND id = $2 AND expires_at < $3";
    DAYS = "SELECT p.media_days FROM accounts a JOIN plans p ON p.name = a.plan WHERE a.id = $1";
    EXPIRED = "SELECT id FROM media WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2";
    DELETE = "DELETE FROM media WHERE id = $1";
    DELETE_FETCH = "DELETE FROM media_fetches WHERE media_id = $1";
    /// The ids of a page stand in order: its two ends take the rows between along.
    KNOWN = "SELECT id FROM media WHERE id >= $1 AND id <= $2";
}

fn small(row: &mut Row) -> Result<Option<u32>, Error> {
    row.opt_int()?.map(|int| u32::try_from(int).map_err(|_| corrupt(format!("the measure {int}")))).transpose()
}

pub(crate) fn media(row: &mut Row) -> Result<MediaRow, Error> {
    Ok(MediaRow {
        id: row.parsed("the media id", MediaId::parse)?,
        account: row.parsed("the account id", AccountId::parse)?,
        session: row.opt_parsed("the session id", SessionId::parse)?,
        kind: row.parsed("the kind of media", MediaKind::parse)?,
        mime_type: row.text()?,
        size: row.count()?,
        sha256: row.opt_text()?,
        width: small(row)?,
        height: small(row)?,
        seconds: small(row)?,
        file_name: row.opt_text()?,
        state: row.parsed("the state of media", MediaState::parse)?,
        created_at: row.time()?,
        expires_at: row.time()?,
    })
}

/// The arguments of [`INSERT`].
macro_rules! insert_args {
    ($row:expr) => {
        args![
            &$row.id,
            &$row.account,
            $row.session.as_ref().map(wharf_api::ids::SessionId::as_str),
            $row.kind.as_str(),
            &$row.mime_type,
            Some($row.size),
            &$row.sha256,
            $row.width.map(i64::from),
            $row.height.map(i64::from),
            $row.seconds.map(i64::from),
            &$row.file_name,
            $row.state.as_str(),
            $row.created_at,
            $row.expires_at
        ]
    };
}

#[async_trait]
impl MediaStore for SqlStore {
    async fn insert_media(&self, row: &MediaRow) -> Result<(), Error> {
        let row = row.clone();
        self.write(row.account.clone().as_str(), "", move |tx| {
            Box::pin(async move { tx.execute(&INSERT, insert_args!(row)).await.map(drop) })
        })
        .await
    }

    async fn find_media(&self, account: &AccountId, id: &MediaId) -> Result<Option<MediaRow>, Error> {
        self.readers.first(&FIND, args![account, id]).await?.map(|mut row| media(&mut row)).transpose()
    }

    async fn extend_media(&self, account: &AccountId, id: &MediaId, until: Timestamp) -> Result<(), Error> {
        let (account, id) = (account.clone(), id.clone());
        self.write(account.clone().as_str(), "", move |tx| {
            Box::pin(async move { tx.execute(&EXTEND, args![&account, &id, until]).await.map(drop) })
        })
        .await
    }

    async fn media_days(&self, account: &AccountId) -> Result<u32, Error> {
        let row = self.readers.first(&DAYS, args![account]).await?;
        let days = row.ok_or_else(|| corrupt(format!("no account {account}")))?.int()?;
        u32::try_from(days).map_err(|_| corrupt(format!("{days} days")))
    }

    async fn list_expired_media(&self, now: Timestamp, limit: u32) -> Result<Vec<MediaId>, Error> {
        let mut rows = self.readers.fetch(&EXPIRED, args![now, limit]).await?;
        rows.iter_mut().map(|row| row.parsed("the media id", MediaId::parse)).collect()
    }

    async fn delete_media(&self, ids: &[MediaId]) -> Result<(), Error> {
        let ids = ids.to_vec();
        self.write("", "", move |tx| {
            Box::pin(async move {
                for id in &ids {
                    tx.execute(&DELETE, args![id]).await?;
                    tx.execute(&DELETE_FETCH, args![id]).await?;
                }
                Ok(())
            })
        })
        .await
    }

    async fn known_media(&self, ids: &[MediaId]) -> Result<Vec<MediaId>, Error> {
        let (Some(first), Some(last)) = (ids.iter().min(), ids.iter().max()) else { return Ok(Vec::new()) };
        let mut rows = self.readers.fetch(&KNOWN, args![first, last]).await?;
        let known: Result<Vec<MediaId>, Error> = rows.iter_mut().map(|row| row.parsed("the media id", MediaId::parse)).collect();
        Ok(known?.into_iter().filter(|id| ids.contains(id)).collect())
    }
}
