//! Media: the rows of files.

pub(crate) mod forget;

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, MediaId, MessageId, SessionId};
use wharf_api::types::event::EventKind;
use wharf_api::types::media::{MediaKind, MediaStatus};
use wharf_core::message::view;
use wharf_core::store::{DueFetch, Error, LostFetch, MediaRow, MediaStore, NewEvent, NewFetch};

use crate::event;
use crate::lane::Place;
use crate::message::change;
use crate::sql::{Row, Sql, Tx, args, corrupt, page, statements};
use crate::store::SqlStore;

use forget::DELETE_FETCH;

macro_rules! columns {
    () => {
        "id, account_id, session_id, kind, mime_type, size, sha256, width, height, seconds, file_name, state, created_at, expires_at"
    };
}
pub(crate) use columns;

statements! {
    INSERT = concat!("INSERT INTO media (", columns!(), ", sent_on) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0)");
    FIND = concat!("SELECT ", columns!(), " FROM media WHERE account_id = $1 AND id = $2");
    LIST = concat!("SELECT ", columns!(), " FROM media WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3");
    SEND_ON = "UPDATE media SET sent_on = 1, expires_at = CASE WHEN expires_at < $3 THEN $3 ELSE expires_at END WHERE account_id = $1 AND id = $2";
    EXPIRE = "DELETE FROM media WHERE expires_at <= $1 AND id IN (SELECT e.id FROM media e WHERE e.expires_at <= $1 \
        AND NOT EXISTS (SELECT 1 FROM media_fetches f WHERE f.media_id = e.id) ORDER BY e.expires_at LIMIT $2) RETURNING id";
    DELETE = "DELETE FROM media WHERE id = $1";
    UPDATE = "UPDATE media SET mime_type = $2, size = $3, sha256 = $4, width = $5, height = $6, seconds = $7, state = $8, expires_at = $9 \
        WHERE id = $1";
    PLAN = "INSERT INTO media_fetches (media_id, session_id, message_id, source, attempts, due_at) VALUES ($1, $2, $3, $4, 0, $5)";
    /// What other nodes do and what is not connected is not read, so that it crowds out nothing.
    DUE = "SELECT f.media_id, d.account_id, f.session_id, f.message_id, f.source, f.attempts FROM \
        (SELECT w.media_id, s.account_id, ROW_NUMBER() OVER (PARTITION BY s.account_id ORDER BY w.due_at) AS place FROM media_fetches w \
        JOIN sessions s ON s.id = w.session_id JOIN session_owner o ON o.session_id = w.session_id \
        WHERE w.due_at <= $1 AND o.node = $2 AND s.status = 'connected' AND s.deleted = 0) d \
        JOIN media_fetches f ON f.media_id = d.media_id WHERE d.place <= $3 ORDER BY f.due_at LIMIT $4";
    LOST = "SELECT f.media_id, m.account_id, f.session_id, f.message_id, f.source, f.attempts, s.deleted FROM media_fetches f \
        JOIN media m ON m.id = f.media_id JOIN sessions s ON s.id = f.session_id WHERE s.deleted = 1 OR m.expires_at <= $1 LIMIT $2";
    POSTPONE = "UPDATE media_fetches SET attempts = $2, due_at = $3 WHERE media_id = $1";
    HELD = "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM media WHERE account_id = $1 AND state = 'stored'";
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
        state: row.parsed("the state of media", MediaStatus::parse)?,
        created_at: row.time()?,
        expires_at: row.time()?,
    })
}

fn due(row: &mut Row) -> Result<DueFetch, Error> {
    Ok(DueFetch {
        media: row.parsed("the media id", MediaId::parse)?,
        account: row.parsed("the account id", AccountId::parse)?,
        session: row.parsed("the session id", SessionId::parse)?,
        message: row.parsed("the message id", MessageId::parse)?,
        source: row.bytes()?,
        attempts: u32::try_from(row.int()?).unwrap_or(u32::MAX),
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

/// A message of the account takes the file along: its end moves to `until`, never to an earlier time.
pub(crate) async fn send_on(tx: &mut Tx, account: &AccountId, id: &MediaId, until: Timestamp) -> Result<(), Error> {
    tx.execute(&SEND_ON, args![account, id, until]).await.map(drop)
}

pub(crate) fn all() -> [&'static [Sql]; 2] {
    [ALL, forget::ALL]
}

/// Has a received file fetched, now that its message is stored.
pub(crate) async fn plan(tx: &mut Tx, message: &MessageId, new: &NewFetch) -> Result<(), Error> {
    let row = &new.media;
    let session = row.session.as_ref().map_or("", SessionId::as_str);
    tx.execute(&INSERT, insert_args!(row)).await?;
    tx.execute(&PLAN, args![&row.id, session, message, &new.source, row.created_at]).await.map(drop)
}

async fn settle(tx: &mut Tx, fetch: &DueFetch, row: &MediaRow, error: Option<&str>, at: Timestamp) -> Result<bool, Error> {
    if tx.execute(&DELETE_FETCH, args![&row.id]).await? == 0 {
        return Ok(false);
    }
    let (size, small) = (Some(row.size), |side: Option<u32>| side.map(i64::from));
    let sides = [small(row.width), small(row.height), small(row.seconds)];
    let args = args![&row.id, &row.mime_type, size, &row.sha256, sides[0], sides[1], sides[2], row.state.as_str(), row.expires_at];
    tx.execute(&UPDATE, args).await?;
    let rewritten = change::rewrite(tx, &fetch.account, &fetch.message, |message| {
        let Some(media) = message.content.media_mut().filter(|media| media.media_id == row.id) else { return false };
        media.media_status = row.state;
        media.media_reason = error.map(str::to_owned);
        if row.state == MediaStatus::Stored {
            media.mime_type.clone_from(&row.mime_type);
            media.size_bytes = row.size;
            media.sha256.clone_from(&row.sha256);
            media.width = media.width.or(row.width);
            media.height = media.height.or(row.height);
            media.duration_seconds = media.duration_seconds.or(row.seconds);
        }
        true
    });
    if let Some(message) = rewritten.await? {
        let drafts = event::drafts(vec![NewEvent::new(EventKind::MessageStatus, &view(&message))]);
        event::write(tx, &message.account, &message.session, at, &drafts).await?;
    }
    Ok(true)
}

/// How many files one commit forgets, each by two statements.
const DELETED_AT_ONCE: usize = 100;

#[async_trait]
impl MediaStore for SqlStore {
    async fn insert_media(&self, row: &MediaRow) -> Result<(), Error> {
        let row = row.clone();
        self.write(Place::account(&row.account), move |tx| Box::pin(async move { tx.execute(&INSERT, insert_args!(row)).await.map(drop) }))
            .await
    }

    async fn find_media(&self, account: &AccountId, id: &MediaId) -> Result<Option<MediaRow>, Error> {
        self.readers.first(&FIND, args![account, id]).await?.map(|mut row| media(&mut row)).transpose()
    }

    async fn list_media(&self, account: &AccountId, after: Option<&MediaId>, limit: u32) -> Result<Vec<MediaRow>, Error> {
        let rows = self.readers.fetch(&LIST, args![account, after.map_or("", MediaId::as_str), limit]).await?;
        page::each(rows, "a file", media)
    }

    async fn media_bytes(&self, account: &AccountId) -> Result<u64, Error> {
        self.readers.first(&HELD, args![account]).await?.map_or(Ok(0), |mut row| row.count())
    }

    async fn expire_media(&self, now: Timestamp, limit: u32) -> Result<Vec<MediaId>, Error> {
        let mut rows = self.write(Place::gateway(), move |tx| Box::pin(async move { tx.fetch(&EXPIRE, args![now, limit]).await })).await?;
        rows.iter_mut().map(|row| row.parsed("the media id", MediaId::parse)).collect()
    }

    async fn delete_media(&self, ids: &[MediaId]) -> Result<(), Error> {
        for part in ids.chunks(DELETED_AT_ONCE) {
            let ids = part.to_vec();
            let deleted = self.write(Place::gateway(), move |tx| {
                Box::pin(async move {
                    for id in &ids {
                        tx.execute(&DELETE, args![id]).await?;
                        tx.execute(&DELETE_FETCH, args![id]).await?;
                    }
                    Ok(())
                })
            });
            deleted.await?;
        }
        Ok(())
    }

    async fn list_due_fetches(&self, node: &str, now: Timestamp, of_account: u32, limit: u32) -> Result<Vec<DueFetch>, Error> {
        let rows = self.readers.fetch(&DUE, args![now, node, of_account, limit]).await?;
        page::each(rows, "a file that is due", due)
    }

    async fn list_lost_fetches(&self, now: Timestamp, limit: u32) -> Result<Vec<LostFetch>, Error> {
        let rows = self.readers.fetch(&LOST, args![now, limit]).await?;
        page::each(rows, "a file that is lost", |row| Ok(LostFetch { fetch: due(row)?, session_deleted: row.flag()? }))
    }

    async fn postpone_fetch(&self, fetch: &DueFetch, attempts: u32, due_at: Timestamp) -> Result<(), Error> {
        let id = fetch.media.clone();
        self.write(Place::session(&fetch.account, &fetch.session), move |tx| {
            Box::pin(async move { tx.execute(&POSTPONE, args![&id, attempts, due_at]).await.map(drop) })
        })
        .await
    }

    async fn settle_fetch(&self, fetch: &DueFetch, row: &MediaRow, error: Option<&str>, at: Timestamp) -> Result<bool, Error> {
        let (owned, row, error) = (fetch.clone(), row.clone(), error.map(str::to_owned));
        self.write(Place::session(&fetch.account, &fetch.session), move |tx| {
            Box::pin(async move { settle(tx, &owned, &row, error.as_deref(), at).await })
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
