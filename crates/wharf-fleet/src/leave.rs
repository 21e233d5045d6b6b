//! How a node goes: each of its sessions is begun elsewhere as soon as it has ended here.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::StreamExt as _;
use wharf_api::ids::SessionId;
use wharf_core::store::NodeRow;

use crate::node::Fleet;
use crate::wire::Verb;

/// How many sessions are on their way at the same time: each costs a new connection to WhatsApp.
const AT_ONCE: usize = 8;
/// How long all of it may take. What is left then ends with the process, and is begun by whoever finds it.
const LIMIT: Duration = Duration::from_secs(15);
/// How long one session is waited for.
const EACH: Duration = Duration::from_secs(4);
/// More than a fleet has.
const NODES: u32 = 200;

impl Fleet {
    /// Gives the sessions of this node to the others, to those first that have the fewest.
    pub(crate) async fn hand_over(&self) {
        self.leaving.store(true, Ordering::SeqCst);
        if !self.hears() {
            return;
        }
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

fn is_open(node: &NodeRow) -> bool {
    node.leased && node.told.as_ref().is_some_and(|told| !told.draining)
}

/// A node for each of so many sessions; none where nobody else is there.
fn share<'n>(nodes: impl Iterator<Item = &'n NodeRow>, sessions: usize) -> Vec<&'n str> {
    let mut load: Vec<(u64, &str)> = nodes.map(|node| (node.sessions, node.id.as_str())).collect();
    let mut places = Vec::with_capacity(sessions);
    for _ in 0..sessions {
        let Some(least) = load.iter_mut().min() else { break };
        least.0 += 1;
        places.push(least.1);
    }
    places
}

#[cfg(test)]
mod tests {
    use wharf_api::Timestamp;
    use wharf_core::store::Told;

    use super::*;

    fn node(id: &str, sessions: u64, draining: bool) -> NodeRow {
        let (since, lease_until) = (Timestamp::from_millis(0), Timestamp::from_millis(0));
        let told = Told { version: "1".to_owned(), since, draining };
        NodeRow { id: id.to_owned(), told: Some(told), lease_until, leased: true, sessions }
    }

    #[test]
    fn who_has_the_fewest_gets_the_next_and_who_goes_gets_none() {
        let nodes = [node("a", 3, false), node("b", 0, true), node("c", 1, false)];
        assert_eq!(share(nodes.iter().filter(|node| is_open(node)), 4), ["c", "c", "a", "c"]);
        assert!(share(nodes.iter().filter(|node| node.id == "none"), 4).is_empty());
    }
}
