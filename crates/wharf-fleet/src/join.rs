//! How a node comes into its fleet: what it brings with it, and what it begins to answer.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use async_nats::Client;
use tokio::task::JoinHandle;
use wharf_core::engine::Engine;
use wharf_core::limit::Calls;
use wharf_core::media::Files;
use wharf_core::message::outcomes::Outcomes;
use wharf_core::placement::ByLoad;
use wharf_core::store::Store;
use wharf_core::{Clock, Lease, Services};

use crate::access::{self, Access, AccessError};
use crate::files::Shelf;
use crate::limits::{Limits, Parts};
use crate::links::NodeLinks;
use crate::members::Members;
use crate::node::{Fleet, subject};
use crate::serve::Server;
use crate::{files, floods, limits, members, news, serve, tries};

/// How long a start waits for NATS.
const JOIN_LIMIT: Duration = Duration::from_secs(2);

#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error("nats_url cannot be used")]
    Connect(#[from] async_nats::ConnectError),
    #[error("the node cannot listen on NATS")]
    Subscribe(#[from] async_nats::SubscribeError),
    #[error("the folder for files of other nodes cannot be made")]
    Folder(#[from] std::io::Error),
}

/// What a node brings with it.
pub struct Own<'a> {
    pub node: &'a str,
    /// Of this node alone; what lies in it is removed.
    pub folder: &'a Path,
    pub engine: Arc<dyn Engine>,
    pub store: Arc<dyn Store>,
    pub files: Arc<dyn Files>,
    pub clock: Arc<dyn Clock>,
    pub outcomes: Arc<Outcomes>,
    pub calls: Calls,
    pub lease: Arc<Lease>,
}

/// What a node does for others until it leaves.
pub struct Membership {
    nats: Client,
    node: String,
    tasks: Vec<JoinHandle<()>>,
}

impl Membership {
    /// Begins to heed what other nodes tell.
    pub async fn heed(&mut self, services: &Arc<Services>) -> Result<(), JoinError> {
        let told = self.nats.subscribe(news::subject(&self.node)).await?;
        self.tasks.push(tokio::spawn(news::heed(told, self.nats.clone(), Arc::clone(services))));
        let failed = self.nats.subscribe(floods::FAILED).await?;
        self.tasks.push(tokio::spawn(floods::hear(failed, self.node.clone(), Arc::clone(services))));
        self.tasks.push(tokio::spawn(floods::tell(self.nats.clone(), self.node.clone(), Arc::clone(services))));
        let tried = self.nats.subscribe(tries::TRIED).await?;
        self.tasks.push(tokio::spawn(tries::hear(tried, self.node.clone(), Arc::clone(services))));
        self.tasks.push(tokio::spawn(tries::tell(self.nats.clone(), self.node.clone(), Arc::clone(services))));
        Ok(())
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Fleet {
    /// Begins to answer for the sessions of this node's engine. A NATS that is away is tried for ever; a URL or a file that cannot be one
    /// ends the start.
    pub async fn join(url: &str, access: &Access, own: Own<'_>) -> Result<(Arc<Self>, Membership), JoinError> {
        let Own { node, folder, engine: local, store, files, clock, outcomes, calls, lease } = own;
        let shelf = Arc::new(Shelf::clear(folder)?);
        let nats = access::options(url, access, node)?.connect(url).await?;
        let asked = nats.subscribe(subject(node)).await?;
        let wanted = nats.subscribe(files::subject(node, "*")).await?;
        let ended = nats.subscribe(serve::ENDED).await?;
        let (counted, there) = (nats.subscribe(limits::subject(node)).await?, nats.subscribe(members::HERE).await?);
        if tokio::time::timeout(JOIN_LIMIT, nats.flush()).await.is_err() {
            tracing::warn!("NATS does not answer: sessions of other nodes are looked up in the database until it does");
        }
        let leaving = Arc::new(AtomicBool::new(false));
        let members = Arc::new(Members::new(node, Arc::clone(&leaving)));
        let limits = Limits::new(Parts {
            node: node.to_owned(),
            nats: nats.clone(),
            calls,
            clock: Arc::clone(&clock),
            store: Arc::clone(&store),
            members: Arc::clone(&members),
        });
        let load = ByLoad::new(node, Arc::clone(&store), Arc::clone(&clock));
        let fleet = Arc::new_cyclic(|own| Self {
            local: Arc::clone(&local),
            links: NodeLinks::default(),
            shelf: Arc::clone(&shelf),
            node: node.to_owned(),
            nats: nats.clone(),
            store,
            clock,
            leaving: Arc::clone(&leaving),
            members: Arc::clone(&members),
            load,
            limits: Arc::clone(&limits),
            own: own.clone(),
        });
        let (own, shelved) = (Arc::downgrade(&fleet), Arc::clone(&shelf));
        let server = Arc::new(Server { nats: nats.clone(), local, files, shelf: shelved, fleet: own, leaving, lease });
        let tasks = vec![
            tokio::spawn(serve::questions(asked, server)),
            tokio::spawn(files::hand_out(wanted, nats.clone(), shelf)),
            tokio::spawn(serve::ends(ended, Arc::clone(&outcomes))),
            tokio::spawn(serve::tell_ends(nats.clone(), &outcomes)),
            tokio::spawn(limits::answer(counted, Arc::clone(&limits))),
            tokio::spawn(limits::look_after(limits)),
            tokio::spawn(members::listen(there, Arc::clone(&members), nats.clone())),
            tokio::spawn(members::beat(members, nats.clone())),
        ];
        Ok((fleet, Membership { nats, node: node.to_owned(), tasks }))
    }
}
