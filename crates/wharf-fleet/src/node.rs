//! This node in its fleet: whom it asks, and how long it waits for an answer.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, Request, RequestErrorKind};
use serde::de::DeserializeOwned;
use wharf_api::ids::SessionId;
use wharf_core::Clock;
use wharf_core::engine::{Engine, Error};
use wharf_core::limit::shared::Shared;
use wharf_core::placement::ByLoad;
use wharf_core::store::Store;

use crate::fault::Fault;
use crate::files::Shelf;
use crate::limits::Limits;
use crate::links::NodeLinks;
use crate::members::Members;
use crate::wire::{Answer, Question, VERSION, Verb};

/// How long the owner's word on a link is waited for: it has it in memory.
const LOOK_LIMIT: Duration = Duration::from_secs(2);
/// How long anything else is waited for; a little longer than the owner waits for WhatsApp.
const WORK_LIMIT: Duration = Duration::from_secs(22);
/// The same for a file: it crosses first, and is brought to WhatsApp then.
const FILE_LIMIT: Duration = Duration::from_mins(5);
/// How long an owner holds the question for a change of a link. Nobody sees an older state than this and [`LOOK_LIMIT`] together.
pub(crate) const FOLLOW: Duration = Duration::from_secs(2);

pub(crate) const NO_NATS: Error =
    Error::Later { reason: "another node has the session, and NATS, by which it is asked, is away", retry_after_secs: 2 };

/// The engine of all sessions of the fleet: this process's own, and over NATS those of other nodes.
pub struct Fleet {
    pub(crate) local: Arc<dyn Engine>,
    pub(crate) links: NodeLinks,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) node: String,
    pub(crate) nats: Client,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    /// It goes, and begins nothing any more.
    pub(crate) leaving: Arc<AtomicBool>,
    pub(crate) members: Arc<Members>,
    pub(crate) load: ByLoad,
    pub(crate) limits: Arc<Limits>,
    /// To spawn what goes on after the call.
    pub(crate) own: Weak<Self>,
}

impl Fleet {
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
            Err(NoResult::NotThere(error)) => {
                self.links.forget(session);
                match self.looked_up(session).await? {
                    Some(other) if other != node => self.exchange(&other, session, verb).await.map_err(NoResult::into_error),
                    _ => Err(error),
                }
            }
            other => other.map_err(NoResult::into_error),
        };
        serde_json::from_value(result?).map_err(|_| Error::from(Fault::Unknown))
    }

    async fn exchange(&self, node: &str, session: &SessionId, verb: Verb) -> Result<serde_json::Value, NoResult> {
        if !self.hears() {
            return Err(NoResult::For(NO_NATS));
        }
        let limit = match verb {
            Verb::Link { .. } => LOOK_LIMIT + FOLLOW,
            Verb::Upload { .. } => FILE_LIMIT,
            _ => WORK_LIMIT,
        };
        let question = Question { v: VERSION, session: session.clone(), verb };
        let payload = serde_json::to_vec(&question).map_err(|_| NoResult::For(Error::Garbled))?;
        let request = Request::new().payload(payload.into()).timeout(Some(limit));
        let message = self.nats.send_request(subject(node), request).await.map_err(|error| {
            tracing::debug!(node, %error, "another node did not answer");
            let silent = || Error::Later { reason: "the node that has the session does not answer", retry_after_secs: 2 };
            match error.kind() {
                RequestErrorKind::NoResponders => NoResult::NotThere(silent()),
                RequestErrorKind::MaxPayloadExceeded => {
                    NoResult::For(Error::Later { reason: "what was asked is too large for NATS", retry_after_secs: 60 })
                }
                _ => NoResult::For(silent()),
            }
        })?;
        let answer = Answer::read(&message.payload).ok_or_else(|| NoResult::For(Fault::Unknown.into()))?;
        self.learn(node, session, &answer);
        answer.result.map_err(|fault| match fault {
            Fault::NotMine => NoResult::NotThere(fault.into()),
            fault => NoResult::For(fault.into()),
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
enum NoResult {
    /// Nobody did anything, for the session is not there.
    NotThere(Error),
    /// As it says.
    For(Error),
}

impl NoResult {
    fn into_error(self) -> Error {
        match self {
            Self::NotThere(error) | Self::For(error) => error,
        }
    }
}

/// Where a node hears questions.
pub(crate) fn subject(node: &str) -> String {
    format!("wharf.1.node.{node}")
}
