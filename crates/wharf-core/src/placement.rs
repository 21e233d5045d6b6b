//! Where sessions run: which node begins what nobody runs, and what a node gives to others.
//!
//! Nodes agree on nothing: each reads the same table, and the take of a session lets one of them win where they read it differently.

pub(crate) mod moves;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::StreamExt as _;
use wharf_api::ids::SessionId;
use wharf_api::types::session::SessionStatus;

use crate::clock::Clock;
use crate::services::Services;
use crate::store::{self, NodeRow, Store};

pub use moves::Moves;

/// More than a fleet has.
pub const NODES: u32 = 200;
/// A difference of so many sessions is none: a move costs a new connection to WhatsApp.
const SLACK: u64 = 4;
/// After so many looks a session is begun by whoever looks, for the one that it was left to does not come.
const LOOKS: u32 = 3;
/// How many sessions a node that gives all of them up has on their way at the same time.
const AT_ONCE: usize = 8;

/// Who decides which of the sessions that nobody runs a node begins.
#[async_trait]
pub trait Placement: Send + Sync + 'static {
    /// Those that this node is to begin now. The others are begun elsewhere; what is not will be asked for again.
    async fn mine(&self, sessions: Vec<SessionId>) -> Vec<SessionId>;
}

/// Of a node that is alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Everything;

#[async_trait]
impl Placement for Everything {
    async fn mine(&self, sessions: Vec<SessionId>) -> Vec<SessionId> {
        sessions
    }
}

/// To the nodes with the fewest sessions, as the table of leases tells.
pub struct ByLoad {
    node: String,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// How often each session was left to another node and still ran nowhere.
    left: Mutex<HashMap<SessionId, u32>>,
}

impl ByLoad {
    pub fn new(node: &str, store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { node: node.to_owned(), store, clock, left: Mutex::default() }
    }

    /// This node's own, and those of others with whose they are.
    pub async fn split(&self, sessions: Vec<SessionId>) -> (Vec<SessionId>, Vec<(SessionId, String)>) {
        match self.store.list_nodes(self.clock.now(), 0, NODES).await {
            Ok(nodes) => split(&nodes, &self.node, sessions, &mut self.left.lock().unwrap_or_else(PoisonError::into_inner)),
            Err(error) => {
                tracing::warn!(%error, "it is not known who else could begin sessions that nobody runs");
                (sessions, Vec::new())
            }
        }
    }
}

#[async_trait]
impl Placement for ByLoad {
    async fn mine(&self, sessions: Vec<SessionId>) -> Vec<SessionId> {
        self.split(sessions).await.0
    }
}

/// Whether sessions may be given to the node.
pub fn is_open(node: &NodeRow) -> bool {
    node.leased && node.told.as_ref().is_some_and(|told| !told.draining)
}

/// A node for each of so many sessions: always the one with the fewest. None where there is no node.
pub fn share<'n>(nodes: impl Iterator<Item = &'n NodeRow>, sessions: usize) -> Vec<&'n str> {
    let mut load: Vec<(u64, &str)> = nodes.map(|node| (node.sessions, node.id.as_str())).collect();
    let mut places = Vec::with_capacity(sessions);
    for _ in 0..sessions {
        let Some(least) = load.iter_mut().min() else { break };
        least.0 += 1;
        places.push(least.1);
    }
    places
}

/// The node with the fewest, of those that sessions may be given to.
pub fn least<'n>(nodes: &'n [NodeRow], except: &str) -> Option<&'n NodeRow> {
    let others = nodes.iter().filter(|node| is_open(node) && node.id != except);
    others.min_by(|a, b| (a.sessions, &a.id).cmp(&(b.sessions, &b.id)))
}

/// The node that should begin a new session instead of `own`, which was asked: one with far fewer, or any where `own` is to have none.
pub fn roomier<'n>(nodes: &'n [NodeRow], own: &str) -> Option<&'n str> {
    let least = least(nodes, own)?;
    let here = nodes.iter().find(|node| node.id == own)?;
    (!is_open(here) || here.sessions > least.sessions + SLACK).then_some(least.id.as_str())
}

/// How many sessions the node has beyond its part.
fn surplus(nodes: &[NodeRow], own: &NodeRow) -> u64 {
    let open = nodes.iter().filter(|node| is_open(node));
    let (count, all) = open.fold((0, 0), |(count, all), node| (count + 1, all + node.sessions));
    let part = all.div_ceil(u64::max(count, 1));
    if own.sessions > part + SLACK.max(part / 10) { own.sessions - part } else { 0 }
}

fn split(
    nodes: &[NodeRow],
    own: &str,
    sessions: Vec<SessionId>,
    left: &mut HashMap<SessionId, u32>,
) -> (Vec<SessionId>, Vec<(SessionId, String)>) {
    let goes = nodes.iter().any(|node| node.id == own && !is_open(node));
    let places = share(nodes.iter().filter(|node| is_open(node)), sessions.len());
    let before = std::mem::take(left);
    if places.is_empty() {
        return (sessions, Vec::new());
    }
    let (mut mine, mut others) = (Vec::new(), Vec::new());
    for (session, place) in sessions.into_iter().zip(places) {
        let looks = before.get(&session).copied().unwrap_or(0);
        if place == own || (looks >= LOOKS && !goes) {
            mine.push(session);
        } else {
            left.insert(session.clone(), looks + 1);
            others.push((session, place.to_owned()));
        }
    }
    (mine, others)
}

/// Gives sessions to other nodes: all where this one is to have none, and a few where it has far more than its part.
pub async fn tend(services: &Services) -> Result<(), store::Error> {
    let moves = &services.moves;
    if moves.is_ended() || services.others.reachable() != Some(true) {
        return Ok(());
    }
    let nodes = services.store.list_nodes(services.clock.now(), 0, NODES).await?;
    let Some(own) = nodes.iter().find(|node| node.id == services.node) else { return Ok(()) };
    let goes = !is_open(own);
    let mut sessions = services.engine.all_running();
    if !goes {
        let count = surplus(&nodes, own).min(moves.due(services.clock.steady()));
        // What is on its way somewhere is left alone.
        sessions.retain(|session| services.engine.link(session).is_some_and(|link| link.borrow().status == SessionStatus::Connected));
        sessions.sort_unstable();
        sessions.truncate(usize::try_from(count).unwrap_or(usize::MAX));
    }
    let places = share(nodes.iter().filter(|node| is_open(node) && node.id != own.id), sessions.len());
    let all: Vec<_> = sessions.iter().zip(places).map(|(session, node)| give(services, session, node)).collect();
    let at_once = if goes { AT_ONCE } else { 1 };
    let given = futures::stream::iter(all).buffer_unordered(at_once).filter(|given| std::future::ready(*given)).count().await;
    if given > 0 {
        tracing::info!(given, of = own.sessions, "sessions were given to other nodes");
    }
    Ok(())
}

async fn give(services: &Services, session: &SessionId, node: &str) -> bool {
    if services.moves.is_ended() {
        return false;
    }
    let given = services.engine.hand_to(session, node).await;
    if let Err(error) = &given {
        tracing::info!(%session, node, %error, "a session was not given to another node");
    }
    given.is_ok()
}

#[cfg(test)]
mod tests {
    use wharf_api::Timestamp;
    use wharf_api::ids::Uuid;

    use super::*;
    use crate::store::Told;

    fn node(id: &str, sessions: u64, draining: bool) -> NodeRow {
        let (since, lease_until) = (Timestamp::from_millis(0), Timestamp::from_millis(0));
        let told = Told { version: "1".to_owned(), since, draining };
        NodeRow { id: id.to_owned(), told: Some(told), lease_until, leased: true, sessions }
    }

    fn sessions(count: u128) -> Vec<SessionId> {
        (0..count).map(|number| SessionId::from_uuid(Uuid::from_u128(number))).collect()
    }

    #[test]
    fn who_has_the_fewest_gets_the_next_and_who_goes_gets_none() {
        let nodes = [node("a", 3, false), node("b", 0, true), node("c", 1, false)];
        assert_eq!(share(nodes.iter().filter(|node| is_open(node)), 4), ["c", "c", "a", "c"]);
        assert!(share(nodes.iter().filter(|node| node.id == "none"), 4).is_empty());
    }

    #[test]
    fn nodes_that_look_at_the_same_table_take_each_session_once() {
        let nodes = [node("a", 10, false), node("b", 0, false), node("c", 0, true)];
        let of = |own| split(&nodes, own, sessions(9), &mut HashMap::new()).0;
        assert_eq!((of("a").len(), of("b").len(), of("c").len()), (0, 9, 0));
        let nodes = [node("a", 2, false), node("b", 0, false), node("c", 1, false)];
        let of = |own| split(&nodes, own, sessions(9), &mut HashMap::new()).0;
        let (a, b, c) = (of("a"), of("b"), of("c"));
        assert_eq!((a.len(), b.len(), c.len()), (2, 4, 3), "four each with what they had");
        let mut all = [a, b, c].concat();
        all.sort();
        assert_eq!(all, sessions(9));
    }

    #[test]
    fn what_another_node_does_not_begin_is_begun_after_three_looks() {
        let nodes = [node("a", 10, false), node("b", 0, false)];
        let mut left = HashMap::new();
        for _ in 0..LOOKS {
            let (mine, others) = split(&nodes, "a", sessions(2), &mut left);
            assert!(mine.is_empty() && others.len() == 2);
        }
        assert_eq!(split(&nodes, "a", sessions(2), &mut left).0, sessions(2));
        assert!(left.is_empty());
        let alone = [node("a", 10, true)];
        assert_eq!(split(&alone, "a", sessions(2), &mut left).0, sessions(2), "nobody else is there");
    }

    #[test]
    fn a_new_session_begins_where_it_was_asked_for_unless_another_node_has_far_fewer() {
        let nodes = [node("a", 5, false), node("b", 1, false), node("c", 0, true)];
        assert_eq!(roomier(&nodes, "a"), None);
        assert_eq!(roomier(&nodes, "c"), Some("b"), "it is to have none");
        let nodes = [node("a", 6, false), node("b", 1, false)];
        assert_eq!((roomier(&nodes, "a"), roomier(&nodes, "b"), roomier(&nodes, "d")), (Some("b"), None, None));
    }

    #[test]
    fn who_has_far_more_than_its_part_gives_that_away_and_small_differences_stay() {
        let nodes = [node("a", 30, false), node("b", 0, false), node("c", 0, false)];
        assert_eq!((surplus(&nodes, &nodes[0]), surplus(&nodes, &nodes[1])), (20, 0));
        let nodes = [node("a", 8, false), node("b", 0, false)];
        assert_eq!(surplus(&nodes, &nodes[0]), 0);
        let nodes = [node("a", 1_090, false), node("b", 910, false)];
        assert_eq!(surplus(&nodes, &nodes[0]), 0, "a tenth");
    }
}
