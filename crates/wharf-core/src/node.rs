//! The processes that share a database: what this one tells of itself, and who else is there.

use wharf_api::ids::SessionId;
use wharf_api::types::node::{Node, NodeStatus};
use wharf_api::{ApiError, ErrorCode};

use crate::clock::Clock;
use crate::seal::{Seal, Unfit};
use crate::services::Services;
use crate::store::{self, DatabaseStore, NodeRow, NodeStore, Told};
use crate::{engine, placement};

/// A node that owns nothing is remembered for so long after its lease.
const FORGOTTEN_AFTER_MS: i64 = 24 * 60 * 60 * 1000;
/// More than a fleet has: the list is answered whole.
const SHOWN: u32 = 200;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no such node")]
    NotFound,
    #[error("no such session")]
    NoSuchSession,
    #[error("it cannot be done now: {0}")]
    Conflict(&'static str),
    #[error(transparent)]
    Engine(engine::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<&Error> for ApiError {
    fn from(error: &Error) -> Self {
        match error {
            Error::NotFound => ErrorCode::ResourceNotFound.into(),
            Error::NoSuchSession => ErrorCode::SessionNotFound.into(),
            Error::Conflict(reason) => ApiError::new(ErrorCode::Conflict).reason(*reason),
            Error::Engine(error) => error.into(),
            Error::Store(error) => error.into(),
        }
    }
}

impl From<engine::Error> for Error {
    fn from(error: engine::Error) -> Self {
        match error {
            engine::Error::NotConnected => Self::Conflict(NOT_RUN),
            error => Self::Engine(error),
        }
    }
}

const NOT_RUN: &str = "no node runs the session";

/// Why a process cannot do what the database says of the master key.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    #[error(transparent)]
    Unfit(#[from] Unfit),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Has this process seal with the key that the database says, and tells beside its lease which keys it knows and which one seals now.
/// `told` is what it told last: nothing is written where that still holds.
pub async fn follow_keys<S>(store: &S, seal: &Seal, node: &str, told: &mut Option<String>) -> Result<(), KeysError>
where
    S: DatabaseStore + NodeStore + Sync + ?Sized,
{
    let followed = seal.follow(&store.key_marks().await?);
    // Also where the key is one that it does not know: whoever changes the key is to see that.
    if let Some(seals_with) = seal.closing_id().filter(|id| told.as_deref() != Some(*id)) {
        let knows: Vec<String> = seal.ids().map(str::to_owned).collect();
        store.tell_keys(node, &knows, seals_with).await?;
        *told = Some(seals_with.to_owned());
    }
    followed?;
    Ok(())
}

/// Tells of a process that begins now. Its lease is there already.
pub async fn tell_begin(store: &(impl NodeStore + ?Sized), clock: &dyn Clock, node: &str) -> Result<Told, store::Error> {
    let told = Told { version: env!("CARGO_PKG_VERSION").to_owned(), since: clock.now(), draining: false };
    store.tell_node(node, &told).await?;
    Ok(told)
}

/// Tells that the process was asked to stop.
pub async fn tell_end(store: &(impl NodeStore + ?Sized), node: &str, told: &Told) -> Result<(), store::Error> {
    store.tell_node(node, &Told { draining: true, ..told.clone() }).await
}

/// All nodes, the one that answers first, then by their ids.
pub async fn list(services: &Services) -> Result<Vec<Node>, store::Error> {
    let mut nodes: Vec<_> = rows(services).await?.into_iter().map(|row| shown(row, &services.node)).collect();
    nodes.sort_by(|a, b| b.current.cmp(&a.current).then_with(|| a.node_id.cmp(&b.node_id)));
    Ok(nodes)
}

/// Has a node give its sessions to the others and take none, or lets it have some again. It heeds that within seconds.
pub async fn drain(services: &Services, id: &str, draining: bool) -> Result<Node, Error> {
    let row = found(rows(services).await?, id)?;
    if !row.leased {
        return Err(Error::Conflict("the node is gone"));
    }
    if row.told.is_none() {
        return Err(Error::Conflict("the node is of a release that cannot be told"));
    }
    services.store.drain_node(id, draining).await?;
    Ok(shown(found(rows(services).await?, id)?, &services.node))
}

/// Has a node run a session: the one with the fewest where none is named.
pub async fn move_session(services: &Services, session: &SessionId, to: Option<&str>) -> Result<Node, Error> {
    if services.store.account_of(session).await?.is_none() {
        return Err(Error::NoSuchSession);
    }
    let owner = services.store.owner_of(session, services.clock.now()).await?.ok_or(Error::Conflict(NOT_RUN))?;
    let nodes = rows(services).await?;
    let to = match to {
        None => placement::least(&nodes, &owner).ok_or(Error::Conflict("there is no other node that may have it"))?.id.clone(),
        Some(id) => {
            let named = nodes.iter().find(|row| row.id == id).ok_or(Error::NotFound)?;
            if named.id != owner && !placement::is_open(named) {
                return Err(Error::Conflict("the node is gone, or is to have no sessions"));
            }
            named.id.clone()
        }
    };
    if to != owner {
        services.engine.hand_to(session, &to).await?;
    }
    Ok(shown(found(rows(services).await?, &to)?, &services.node))
}

async fn rows(services: &Services) -> Result<Vec<NodeRow>, store::Error> {
    services.store.list_nodes(services.clock.now(), FORGOTTEN_AFTER_MS, SHOWN).await
}

fn found(rows: Vec<NodeRow>, id: &str) -> Result<NodeRow, Error> {
    rows.into_iter().find(|row| row.id == id).ok_or(Error::NotFound)
}

fn shown(row: NodeRow, own: &str) -> Node {
    let draining = row.told.as_ref().is_some_and(|told| told.draining);
    let status = match (row.leased, draining) {
        (false, _) => NodeStatus::Gone,
        (true, true) => NodeStatus::Draining,
        (true, false) => NodeStatus::Working,
    };
    let (version, since) = row.told.map(|told| (told.version, told.since)).unzip();
    Node { current: row.id == own, node_id: row.id, status, version, since, lease_until: row.lease_until, sessions: row.sessions }
}
