//! How the canary sessions' steps went.

use async_trait::async_trait;
use wharf_api::ids::SessionId;
use wharf_core::store::{CanaryRow, CanaryStore, Error};

use crate::lane::Place;
use crate::sql::{Row, args, statements};
use crate::store::SqlStore;

statements! {
    LIST = "SELECT step, session_id, at, took_ms, failure FROM canary_steps ORDER BY step, session_id";
    PUT = "INSERT INTO canary_steps (step, session_id, at, took_ms, failure) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (step, session_id) DO UPDATE SET at = excluded.at, took_ms = excluded.took_ms, failure = excluded.failure";
}

fn read(row: &mut Row) -> Result<CanaryRow, Error> {
    let (step, session) = (row.text()?, row.parsed("a session's id", SessionId::parse)?);
    Ok(CanaryRow { step, session, at: row.time()?, took_ms: row.opt_int()?, failure: row.opt_text()? })
}

#[async_trait]
impl CanaryStore for SqlStore {
    async fn list_canary(&self) -> Result<Vec<CanaryRow>, Error> {
        self.readers.fetch(&LIST, &[]).await?.iter_mut().map(read).collect()
    }

    async fn put_canary(&self, row: &CanaryRow) -> Result<(), Error> {
        let row = row.clone();
        self.write(Place::gateway(), move |tx| {
            Box::pin(async move { tx.execute(&PUT, args![&row.step, &row.session, row.at, row.took_ms, &row.failure]).await.map(drop) })
        })
        .await
    }
}
