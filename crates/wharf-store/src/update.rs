//! The update notice.

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_core::store::{Error, NoticeRow, UpdateStore};

use crate::lane::Place;
use crate::sql::{args, statements};
use crate::store::SqlStore;

statements! {
    CLAIM = "INSERT INTO update_notice (id, tried_at) VALUES (1, $2) \
        ON CONFLICT (id) DO UPDATE SET tried_at = excluded.tried_at WHERE update_notice.tried_at <= $1";
    FIND = "SELECT serial, body, fetched_at FROM update_notice WHERE id = 1 AND serial IS NOT NULL";
    PUT = "INSERT INTO update_notice (id, tried_at, fetched_at, serial, body) VALUES (1, $1, $1, $2, $3) \
        ON CONFLICT (id) DO UPDATE SET fetched_at = excluded.fetched_at, serial = excluded.serial, body = excluded.body \
        WHERE update_notice.serial IS NULL OR update_notice.serial <= excluded.serial";
}

#[async_trait]
impl UpdateStore for SqlStore {
    async fn claim_update_check(&self, before: Timestamp, now: Timestamp) -> Result<bool, Error> {
        self.write(Place::gateway(), move |tx| Box::pin(async move { Ok(tx.execute(&CLAIM, args![before, now]).await? == 1) })).await
    }

    async fn find_update_notice(&self) -> Result<Option<NoticeRow>, Error> {
        let Some(mut row) = self.readers.first(&FIND, &[]).await? else { return Ok(None) };
        Ok(Some(NoticeRow { serial: row.int()?, body: row.text()?, fetched_at: row.time()? }))
    }

    async fn put_update_notice(&self, notice: &NoticeRow) -> Result<bool, Error> {
        let notice = notice.clone();
        self.write(Place::gateway(), move |tx| {
            Box::pin(async move { Ok(tx.execute(&PUT, args![notice.fetched_at, notice.serial, &notice.body]).await? == 1) })
        })
        .await
    }
}
