//! Nodes: what they tell of themselves beside their leases.

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_core::store::{Error, NodeRow, NodeStore, Told};

use crate::lane::Place;
use crate::owner;
use crate::sql::{Row, args, statements};
use crate::store::SqlStore;

statements! {
    TELL = "UPDATE node_lease SET version = $2, started_at = $3, draining = $4 WHERE node = $1";
    /// Every start tells, and what is told already is not written once more.
    TELL_KEYS = "UPDATE node_lease SET knows_keys = $2, seals_with = $3 WHERE node = $1 \
        AND (knows_keys IS DISTINCT FROM $2 OR seals_with IS DISTINCT FROM $3)";
    DRAIN = "UPDATE node_lease SET draining = $2 WHERE node = $1";
    LIST = "SELECT l.node, l.version, l.started_at, l.draining, l.expires_at, CAST(CASE WHEN l.expires_at > $1 THEN 1 ELSE 0 END AS BIGINT), COALESCE(o.owned, 0) \
        FROM node_lease l LEFT JOIN (SELECT node, COUNT(*) AS owned FROM session_owner WHERE node IS NOT NULL GROUP BY node) o ON o.node = l.node \
        WHERE l.expires_at > $2 OR o.owned > 0 ORDER BY l.expires_at DESC, l.node LIMIT $3";
}

fn node(row: &mut Row) -> Result<NodeRow, Error> {
    let (id, version, since, draining) = (row.text()?, row.opt_text()?, row.opt_time()?, row.flag()?);
    let told = version.zip(since).map(|(version, since)| Told { version, since, draining });
    Ok(NodeRow { id, told, lease_until: row.time()?, leased: row.flag()?, sessions: row.count()? })
}

#[async_trait]
impl NodeStore for SqlStore {
    async fn tell_node(&self, node: &str, told: &Told) -> Result<(), Error> {
        let (node, told) = (node.to_owned(), told.clone());
        self.write(Place::gateway(), move |tx| {
            Box::pin(async move { tx.execute(&TELL, args![&node, &told.version, told.since, i64::from(told.draining)]).await.map(drop) })
        })
        .await
    }

    async fn tell_keys(&self, node: &str, knows: &[String], seals_with: &str) -> Result<(), Error> {
        let (node, knows, seals_with) = (node.to_owned(), knows.join(" "), seals_with.to_owned());
        self.write(Place::gateway(), move |tx| {
            Box::pin(async move { tx.execute(&TELL_KEYS, args![&node, &knows, &seals_with]).await.map(drop) })
        })
        .await
    }

    async fn drain_node(&self, node: &str, draining: bool) -> Result<(), Error> {
        let node = node.to_owned();
        self.write(Place::gateway(), move |tx| {
            Box::pin(async move { tx.execute(&DRAIN, args![&node, i64::from(draining)]).await.map(drop) })
        })
        .await
    }

    async fn list_nodes(&self, now: Timestamp, forget_ms: i64, limit: u32) -> Result<Vec<NodeRow>, Error> {
        let now = owner::now(self, now).await?;
        let mut rows = self.readers.fetch(&LIST, args![now, now.plus_millis(-forget_ms), limit]).await?;
        rows.iter_mut().map(node).collect()
    }
}
