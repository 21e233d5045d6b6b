//! How a node goes: each of its sessions is begun elsewhere as soon as it has ended here.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::StreamExt as _;
use wharf_api::ids::SessionId;
use wharf_core::placement::{NODES, is_open, share};

use crate::node::Fleet;
use crate::wire::Verb;

/// How many sessions are on their way at the same time: each costs a new connection to WhatsApp.
const AT_ONCE: usize = 8;
/// How long all of it may take. What is left then ends with the process, and is begun by whoever finds it.
const LIMIT: Duration = Duration::from_secs(15);
/// How long one session is waited for.
const EACH: Duration = Duration::from_secs(4);

impl Fleet {
    /// Gives the sessions of this node to the others, to those first that have the fewest.
    pub(crate) async fn hand_over(&self) {
        self.leaving.store(true, Ordering::SeqCst);
        if !self.hears() {
            return;
        }
        // Whose calls it counts are counted by others from now on.
        self.members.say(&self.nats).await;
        let sessions = self.local.all_running();
        if sessions.is_empty() {
            return;
        }
        let nodes = match self.store.list_nodes(self.clock.now(), 0, NODES).await {
            Ok(nodes) => nodes,
            Err(error) => {
                tracing::warn!(%error, "it is not known who could take the sessions; whoever finds them does");
                return;
            }
        };
        let places = share(nodes.iter().filter(|node| is_open(node) && node.id != self.node), sessions.len());
        let all: Vec<_> = sessions.iter().zip(places).map(|(session, node)| self.give(session, node)).collect();
        let given = futures::stream::iter(all).buffer_unordered(AT_ONCE).filter(|given| std::future::ready(*given)).count();
        if let Ok(given) = tokio::time::timeout(LIMIT, given).await {
            tracing::info!(given, of = sessions.len(), "sessions were handed over");
        } else {
            tracing::warn!("not all sessions could be handed over in time");
        }
    }

    async fn give(&self, session: &SessionId, node: &str) -> bool {
        self.local.release(session).await;
        let begun = self.order::<()>(node, session, Verb::Start);
        match tokio::time::timeout(EACH, begun).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::info!(%session, %error, "a session was not handed over; whoever finds it begins it");
                false
            }
            Err(_) => false,
        }
    }
}
