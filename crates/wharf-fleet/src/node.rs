//! This node in its fleet: whom it asks, and how long it waits for an answer.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, ConnectOptions, Event, Request, RequestErrorKind};
use serde::de::DeserializeOwned;
use tokio::task::JoinHandle;
use wharf_api::ids::SessionId;
use wharf_core::engine::{Engine, Error};
use wharf_core::limit::Calls;
use wharf_core::limit::shared::Shared;
use wharf_core::media::Files;
use wharf_core::message::outcomes::Outcomes;
use wharf_core::placement::ByLoad;
use wharf_core::store::Store;
use wharf_core::{Clock, Services};

use crate::fault::Fault;
use crate::files::Shelf;
use crate::limits::{Limits, Parts};
use crate::links::Links;
use crate::members::Members;
use crate::serve::Server;
use crate::wire::{Answer, Question, VERSION, Verb};
use crate::{files, floods, limits, members, news, serve};

/// How long the owner's word on a link is waited for: it has it in memory.
const LOOK_LIMIT: Duration = Duration::from_secs(2);
/// How long anything else is waited for; a little longer than the owner waits for WhatsApp.
const WORK_LIMIT: Duration = Duration::from_secs(22);
/// The same for a file: it crosses first, and is brought to WhatsApp then.
const FILE_LIMIT: Duration = Duration::from_mins(5);
/// How long an owner holds the question for a change of a link. Nobody sees an older state than this and [`LOOK_LIMIT`] together.
pub(crate) const FOLLOW: Duration = Duration::from_secs(2);
/// How long a start waits for NATS.
const JOIN_LIMIT: Duration = Duration::from_secs(2);
/// A connection that says nothing for about twice as long is dropped and made anew.
const PING_PERIOD: Duration = Duration::from_secs(5);

pub(crate) const NO_NATS: Error =
    Error::Later { reason: "another node has the session, and NATS, by which it is asked, is away", retry_after_secs: 2 };

#[derive(Debug, thiserror::Error)]
pub enum JoinError {
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
}

/// The engine of all sessions of the fleet: this process's own, and over NATS those of other nodes.
pub struct Fleet {
    pub(crate) local: Arc<dyn Engine>,
    pub(crate) links: Links,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) node: String,
    pub(crate) nats: Client,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    /// It goes, and begins nothing any more.
    pub(crate) leaving: Arc<AtomicBool>,
    pub(crate) members: Arc<Members>,
    pub(crate) load: ByLoad,
    limits: Arc<Limits>,
    /// To spawn what goes on after the call.
    pub(crate) own: Weak<Self>,
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
    /// Begins to answer for the sessions of this node's engine. A NATS that is away is tried for ever; a URL that cannot be one ends the
    /// start.
    pub async fn join(url: &str, own: Own<'_>) -> Result<(Arc<Self>, Membership), JoinError> {
        let Own { node, folder, engine: local, store, files, clock, outcomes, calls } = own;
        let shelf = Arc::new(Shelf::clear(folder)?);
        let options = ConnectOptions::new().name(node).retry_on_initial_connect().ping_interval(PING_PERIOD).event_callback(note);
        let nats = options.connect(url).await?;
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
            links: Links::default(),
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
        let server =
            Arc::new(Server { nats: nats.clone(), local, files, shelf: Arc::clone(&shelf), fleet: Arc::downgrade(&fleet), leaving });
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

    /// The limits that this node holds together with the others.
    pub fn limits(&self) -> Arc<dyn Shared> {
        self.limits.clone()
    }

    /// Whether anything can be said to other nodes now.
    pub(crate) fn hears(&self) -> bool {
        self.nats.connection_state() == State::Connected
    }

    /// The other node that has the session, if one has.
    pub(crate) async fn elsewhere(&self, session: &SessionId) -> Result<Option<String>, Error> {
        if self.local.runs(session) {
            return Ok(None);
        }
        match self.links.node(session) {
            Some(node) => Ok(Some(node)),
            None => self.looked_up(session).await,
        }
    }

    /// The same as the database has it.
    pub(crate) async fn looked_up(&self, session: &SessionId) -> Result<Option<String>, Error> {
        let owner = self.store.owner_of(session, self.clock.now()).await?;
        Ok(owner.filter(|node| *node != self.node))
    }

    /// Has another node do something. What it says of the link counts at once. Where it does not have the session any more, and did
    /// nothing, the one is asked that has.
    pub(crate) async fn order<T: DeserializeOwned>(&self, node: &str, session: &SessionId, verb: Verb) -> Result<T, Error> {
        let result = match self.exchange(node, session, verb.clone()).await {
            Err(Missed::NotThere(error)) => {
                self.links.forget(session);
                match self.looked_up(session).await? {
                    Some(other) if other != node => self.exchange(&other, session, verb).await.map_err(Missed::into_error),
                    _ => Err(error),
                }
            }
            other => other.map_err(Missed::into_error),
        };
        serde_json::from_value(result?).map_err(|_| Error::from(Fault::Unknown))
    }

    async fn exchange(&self, node: &str, session: &SessionId, verb: Verb) -> Result<serde_json::Value, Missed> {
        if !self.hears() {
            return Err(Missed::For(NO_NATS));
        }
        let limit = match verb {
            Verb::Link { .. } => LOOK_LIMIT + FOLLOW,
            Verb::Upload { .. } => FILE_LIMIT,
            _ => WORK_LIMIT,
        };
        let question = Question { v: VERSION, session: session.clone(), verb };
        let payload = serde_json::to_vec(&question).map_err(|_| Missed::For(Error::Garbled))?;
        let request = Request::new().payload(payload.into()).timeout(Some(limit));
        let message = self.nats.send_request(subject(node), request).await.map_err(|error| {
            tracing::debug!(node, %error, "another node did not answer");
            let silent = || Error::Later { reason: "the node that has the session does not answer", retry_after_secs: 2 };
            match error.kind() {
                RequestErrorKind::NoResponders => Missed::NotThere(silent()),
                RequestErrorKind::MaxPayloadExceeded => {
                    Missed::For(Error::Later { reason: "what was asked is too large for NATS", retry_after_secs: 60 })
                }
                _ => Missed::For(silent()),
            }
        })?;
        let unknown = || Missed::For(Fault::Unknown.into());
        let answer: Answer = serde_json::from_slice(&message.payload).map_err(|_| unknown())?;
        if answer.v != VERSION {
            return Err(unknown());
        }
        self.learn(node, session, &answer);
        answer.result.map_err(|fault| match fault {
            Fault::NotMine => Missed::NotThere(fault.into()),
            fault => Missed::For(fault.into()),
        })
    }

    /// Wakes the session's task on the node that has it. A lost word costs a look.
    pub(crate) fn ring(&self, account: &wharf_api::ids::AccountId, session: &SessionId) {
        let Some(node) = self.links.node(session).filter(|_| self.hears()) else { return };
        let question = Question { v: VERSION, session: session.clone(), verb: Verb::Wake { account: account.clone() } };
        let Ok(payload) = serde_json::to_vec(&question) else { return };
        let nats = self.nats.clone();
        tokio::spawn(async move {
            if let Err(error) = nats.publish(subject(&node), payload.into()).await {
                tracing::debug!(%error, "another node was not woken");
            }
        });
    }
}

/// Why there is no result.
enum Missed {
    /// Nobody did anything, for the session is not there.
    NotThere(Error),
    /// As it says.
    For(Error),
}

impl Missed {
    fn into_error(self) -> Error {
        match self {
            Self::NotThere(error) | Self::For(error) => error,
        }
    }
}

/// Where a node hears questions.
fn subject(node: &str) -> String {
    format!("wharf.1.node.{node}")
}

/// One line when NATS goes and one when it is back.
async fn note(event: Event) {
    match event {
        Event::Connected => tracing::info!("NATS is reached"),
        Event::Disconnected => tracing::warn!("NATS is away: sessions of other nodes are looked up in the database"),
        other => tracing::debug!(%other, "NATS"),
    }
}
