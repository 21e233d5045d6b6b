//! How sessions get to the node that is to run them.

use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use tokio::sync::watch;
use wharf_api::ids::SessionId;
use wharf_core::engine::{Error, Link};
use wharf_core::placement::{NODES, Placement, roomier};

use crate::node::Fleet;
use crate::wire::Verb;

/// How long the node is waited for that is to begin a session.
const EACH: Duration = Duration::from_secs(4);
/// How many sessions that nobody ran are on their way to others at the same time.
const AT_ONCE: usize = 32;

impl Fleet {
    /// Begins a session that nobody runs: here, unless another node is to have it.
    pub(crate) async fn begin_new(&self, session: &SessionId) -> Result<watch::Receiver<Link>, Error> {
        let Some(node) = self.roomier().await else { return self.local.start(session).await };
        match self.begin(&node, session, Verb::Start).await {
            // Better here than nowhere.
            Err(Error::Later { .. } | Error::Closing) => self.local.start(session).await,
            begun => begun,
        }
    }

    async fn roomier(&self) -> Option<String> {
        if !self.hears() {
            return None;
        }
        let nodes = self.store.list_nodes(self.clock.now(), 0, NODES).await.ok()?;
        roomier(&nodes, &self.node).map(str::to_owned)
    }

    /// Ends a session of this node in order, and has the other one begin it. Where that does not, this one does.
    pub(crate) async fn give_away(&self, session: &SessionId, node: &str) -> Result<(), Error> {
        if !self.hears() {
            return Err(crate::node::NO_NATS);
        }
        self.local.release(session).await;
        let begun = tokio::time::timeout(EACH, self.order::<()>(node, session, Verb::Start)).await;
        let late = Error::Later { reason: "the node that is to have the session does not begin it", retry_after_secs: 5 };
        let given = begun.unwrap_or(Err(late));
        if given.is_ok() {
            // From now on the other one tells of it.
            self.local.stop(session).await?;
            return Ok(());
        }
        if let Err(error) = self.local.start(session).await {
            tracing::info!(%session, %error, "a session that could not be given away is left to whoever finds it");
        }
        given
    }
}

#[async_trait]
impl Placement for Fleet {
    async fn mine(&self, sessions: Vec<SessionId>) -> Vec<SessionId> {
        let (mine, others) = self.load.split(sessions).await;
        if self.hears()
            && !others.is_empty()
            && let Some(fleet) = self.own.upgrade()
        {
            tokio::spawn(async move {
                let all: Vec<_> = others.iter().map(|(session, node)| fleet.order::<()>(node, session, Verb::Start)).collect();
                let begun =
                    futures::stream::iter(all).buffer_unordered(AT_ONCE).filter(|begun| std::future::ready(begun.is_ok())).count().await;
                tracing::info!(begun, of = others.len(), "sessions that nobody ran were left to other nodes");
            });
        }
        mine
    }
}
