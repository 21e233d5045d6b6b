//! Sizes and ages for the operator.

use async_trait::async_trait;
use wharf_core::store::{Backlog, CensusStore, Error};

use crate::open::SqlStore;
use crate::sql::{Sql, statements};

statements! {
    DELIVERIES = "SELECT COUNT(*), MIN(e.at) FROM deliveries d JOIN webhooks w ON w.number = d.webhook AND w.enabled = 1 \
        JOIN events e ON e.number = d.event WHERE d.state = 'pending'";
    QUEUED = "SELECT COUNT(*), MIN(created_at) FROM messages WHERE status = 'queued'";
}

impl SqlStore {
    async fn backlog(&self, sql: &Sql) -> Result<Backlog, Error> {
        // Counts are long reads where much waits.
        let row = self.readers.fetch(sql, &[]).await?.into_iter().next();
        row.map_or(Ok(Backlog::default()), |mut row| Ok(Backlog { waiting: row.count()?, oldest_at: row.opt_time()? }))
    }
}

#[async_trait]
impl CensusStore for SqlStore {
    fn waiting_writes(&self) -> usize {
        self.lanes.waiting()
    }

    async fn queued_backlog(&self) -> Result<Backlog, Error> {
        self.backlog(&QUEUED).await
    }

    async fn delivery_backlog(&self) -> Result<Backlog, Error> {
        self.backlog(&DELIVERIES).await
    }
}
