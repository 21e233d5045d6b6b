//! The database itself: its marks, and whether it answers and can be written.

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_core::store::{DatabaseStore, Error, KeyMarks};

use crate::fitness;
use crate::lane::Place;
use crate::open::file::OpenedFile;
use crate::sql::{args, corrupt, statements};
use crate::store::SqlStore;

statements! {
    PING = "SELECT 1 FROM meta LIMIT 1";
    MARK = "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    MARKED = "SELECT value FROM meta WHERE name = $1";
    SEALED = "SELECT 1 FROM meta WHERE EXISTS (SELECT 1 FROM vault) OR EXISTS (SELECT 1 FROM webhooks) LIMIT 1";
    SEE_CLOCK = "INSERT INTO meta (name, value) VALUES ('clock', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    HASTEN_FETCHES = "UPDATE media_fetches SET due_at = $1 WHERE due_at > $2";
    HASTEN_DELIVERIES = "UPDATE deliveries SET next_at = $1 WHERE state = 'pending' AND tries = $2 AND next_at > $3 AND event IN \
        (SELECT event FROM deliveries WHERE state = 'pending' AND tries = $2 AND next_at > $3 ORDER BY event LIMIT $4)";
}

/// How many events one commit hastens the deliveries of: others wait for it.
const HASTENED_AT_ONCE: u32 = 500;

/// What the check value of the master key is called among the marks.
pub(crate) const KEY_CHECK: &str = "master-key";

impl SqlStore {
    /// Marks the database, unless it is marked already; tells with what it is. Every start asks; all but the first write nothing.
    async fn mark(&self, name: &'static str, value: &str) -> Result<String, Error> {
        if let Some(mut row) = self.readers.first(&MARKED, args![name]).await? {
            return row.text();
        }
        let value = value.to_owned();
        self.write(Place::gateway(), move |tx| {
            Box::pin(async move {
                tx.execute(&MARK, args![name, &value]).await?;
                tx.first(&MARKED, args![name]).await?.ok_or_else(|| corrupt("no mark of the database after it was made"))?.text()
            })
        })
        .await
    }
}

#[async_trait]
impl DatabaseStore for SqlStore {
    async fn ping(&self) -> Result<(), Error> {
        self.readers.first(&PING, &[]).await.map(drop)
    }

    async fn look(&self) -> Result<(), Error> {
        fitness::look(self).await
    }

    async fn claim_world(&self, world: &str) -> Result<String, Error> {
        self.mark("world", world).await
    }

    async fn claim_installation(&self, name: &str) -> Result<String, Error> {
        self.mark("installation", name).await
    }

    async fn installation(&self) -> Result<Option<String>, Error> {
        self.readers.first(&MARKED, args!["installation"]).await?.map(|mut row| row.text()).transpose()
    }

    async fn is_still(&self, installation: &str) -> Result<bool, Error> {
        if self.file.as_ref().is_some_and(OpenedFile::is_away) {
            return Ok(false);
        }
        Ok(self.installation().await?.as_deref() == Some(installation))
    }

    async fn claim_key_check(&self, sealed: &str) -> Result<String, Error> {
        self.mark(KEY_CHECK, sealed).await
    }

    async fn key_marks(&self) -> Result<KeyMarks, Error> {
        self.key_marks().await
    }

    async fn name_key(&self, check: &str, id: &str) -> Result<(), Error> {
        self.name_key(check, id).await
    }

    async fn is_sealed(&self) -> Result<bool, Error> {
        Ok(self.readers.first(&SEALED, &[]).await?.is_some())
    }

    async fn clock_seen(&self) -> Result<Option<Timestamp>, Error> {
        let Some(mut row) = self.readers.first(&MARKED, args!["clock"]).await? else { return Ok(None) };
        // A time that cannot be read is one that nobody has seen.
        Ok(row.text()?.parse().ok().map(Timestamp::from_millis))
    }

    async fn see_clock(&self, now: Timestamp) -> Result<(), Error> {
        let now = now.as_millis().to_string();
        self.write(Place::gateway(), move |tx| Box::pin(async move { tx.execute(&SEE_CLOCK, args![&now]).await.map(drop) })).await
    }

    async fn hasten(&self, now: Timestamp, deliveries: &[(u32, Timestamp)], fetches: Timestamp) -> Result<u64, Error> {
        let mut hastened =
            self.write(Place::gateway(), move |tx| Box::pin(async move { tx.execute(&HASTEN_FETCHES, args![now, fetches]).await })).await?;
        for &(tries, after) in deliveries {
            loop {
                let some = self
                    .write(Place::gateway(), move |tx| {
                        Box::pin(async move { tx.execute(&HASTEN_DELIVERIES, args![now, tries, after, HASTENED_AT_ONCE]).await })
                    })
                    .await?;
                hastened += some;
                if some == 0 {
                    break;
                }
            }
        }
        Ok(hastened)
    }
}
