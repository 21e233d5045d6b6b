//! The engine: the map of sessions, and the port that the rules call.

mod keep;
mod whatsapp;

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Semaphore, oneshot, watch};
use wharf_api::ids::{AccountId, MediaId, SessionId};
use wharf_api::types::media::MediaKind;
use wharf_api::types::session::SessionStatus;
use wharf_api::types::switches::Feature;
use wharf_api::types::whatsapp::Whatsapp;
use wharf_api::{Recipient, Timestamp};
use wharf_core::engine::{Composed, Downloaded, Draft, Engine, Error, Link, PairCode, Registration, Signed, Uploaded};
use wharf_core::message::outcomes::Outcomes;
use wharf_core::store::{MessageRow, Store};
use wharf_core::{Chance, Clock};
use whatsapp_rust::MemoryReport;
use whatsapp_rust::client::Client;

use wharf_core::seal::place;

use crate::beat::CommonBeat;
use crate::compose;
use crate::config::Config;
use crate::http::MediaHttp;
use crate::session::passkey::act::Act;
use crate::session::presence::Presences;
use crate::session::{Context, Handle, Order, Own, media, votes};
use crate::standing::Standing;
use crate::task;
use crate::transport::Dialer;
use crate::typing::Typing;
use crate::version::{Sources, WebVersion};

/// How long an answer of WhatsApp to a question or a change is waited for.
const WORK_LIMIT: Duration = Duration::from_secs(20);
/// When a shutdown goes on without the sessions that did not end.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(23);

/// All sessions of this process.
pub struct WaEngine {
    pub(crate) ctx: Arc<Context>,
    sessions: Mutex<HashMap<SessionId, Handle>>,
    closing: AtomicBool,
    pub(crate) typing: Arc<Typing>,
}

impl WaEngine {
    /// An engine without sessions. `Err` where the server's address is none.
    pub fn new(
        config: Config,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        chance: Arc<dyn Chance>,
        outcomes: Arc<Outcomes>,
    ) -> anyhow::Result<Arc<Self>> {
        let dialer = Arc::new(Dialer::new(config.server_url.as_ref(), &config.trust, config.proxy.clone())?);
        let seal = Arc::new(config.seal.clone());
        let http = MediaHttp::new(config.server_url.clone(), config.trust.clone(), config.proxy.clone());
        let starts = Arc::new(Semaphore::new(config.start_concurrency.max(1)));
        let version = WebVersion::new(config.version, clock.now());
        // The pretend network's pages are near.
        let proxy = config.proxy.clone().filter(|_| config.server_url.is_none());
        let sources = Sources::new(config.server_url.as_ref(), config.version_url.clone())?.by(config.trust.clone(), proxy);
        let (presences, standing) = (Presences::default(), Standing::default());
        let (beat, shelf) = (CommonBeat::new(), Arc::default());
        let ctx = Arc::new(Context {
            config,
            store,
            clock,
            chance,
            outcomes,
            seal,
            dialer,
            presences,
            http,
            starts,
            beat,
            shelf,
            version,
            sources,
            standing,
        });
        Ok(Arc::new(Self { ctx, sessions: Mutex::default(), closing: AtomicBool::new(false), typing: Arc::default() }))
    }

    fn sessions(&self) -> std::sync::MutexGuard<'_, HashMap<SessionId, Handle>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The handle of a session whose task runs.
    fn running(&self, session: &SessionId) -> Option<Handle> {
        self.sessions().get(session).filter(|handle| !handle.ended.is_cancelled()).cloned()
    }

    /// Gives an order to a running session and waits for its reply.
    async fn ask<T>(&self, session: &SessionId, order: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Order + Send) -> Result<T, Error> {
        let handle = self.running(session).ok_or(Error::NotConnected)?;
        let (reply, answer) = oneshot::channel();
        handle.orders.send(Box::new(order(reply))).map_err(|_| Error::NotConnected)?;
        // The task ended before it answered.
        answer.await.unwrap_or(Err(Error::NotConnected))
    }
}

impl WaEngine {
    /// Does something with the client of a connected session.
    pub(crate) async fn with_client<T, F>(
        &self,
        session: &SessionId,
        work: impl FnOnce(Arc<Client>) -> F + Send + 'static,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        self.patiently(session, WORK_LIMIT, |client, _| work(client)).await
    }

    /// What the library keeps in memory for a connected session, by its own account.
    pub async fn memory_report(&self, session: &SessionId) -> Result<MemoryReport, Error> {
        self.with_client(session, |client| async move { Ok(client.memory_report().await) }).await
    }

    /// Does something with what a connected session has.
    pub(crate) async fn with_own<T, F>(
        &self,
        session: &SessionId,
        work: impl FnOnce(Arc<Client>, Arc<Own>) -> F + Send + 'static,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        self.patiently(session, WORK_LIMIT, work).await
    }

    /// Does something within `limit`, with what a connected session has.
    async fn patiently<T, F>(
        &self,
        session: &SessionId,
        limit: Duration,
        work: impl FnOnce(Arc<Client>, Arc<Own>) -> F + Send + 'static,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let order = |reply: oneshot::Sender<Result<T, Error>>| {
            Order::Work(Box::new(move |there| match there {
                // The asker may have stopped waiting.
                None => drop(reply.send(Err(Error::NotConnected))),
                Some((client, own)) => {
                    task::spawn(async move {
                        let done = tokio::time::timeout(limit, work(client, own)).await;
                        drop(reply.send(done.unwrap_or(Err(Error::Timeout))));
                    });
                }
            }))
        };
        self.ask(session, order).await
    }
}

#[async_trait]
impl Engine for WaEngine {
    async fn start(&self, session: &SessionId) -> Result<watch::Receiver<Link>, Error> {
        let (handle, started) = {
            let mut sessions = self.sessions();
            if self.closing.load(Ordering::SeqCst) {
                return Err(Error::Closing);
            }
            let known = sessions.get(session);
            if let Some(handle) = known.filter(|handle| !handle.ended.is_cancelled()) {
                return Ok(handle.link.subscribe());
            }
            let link = known.map(|handle| Arc::clone(&handle.link));
            let (handle, started) = Handle::spawn(&self.ctx, session, link);
            sessions.insert(session.clone(), handle.clone());
            (handle, started)
        };
        let link = handle.link.subscribe();
        match started.await {
            Ok(Ok(())) => Ok(link),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::Conflict("the session was stopped")),
        }
    }

    fn link(&self, session: &SessionId) -> Option<watch::Receiver<Link>> {
        self.sessions().get(session).map(|handle| handle.link.subscribe())
    }

    fn runs(&self, session: &SessionId) -> bool {
        // Without a lease this node speaks for no session: another one may have it.
        self.running(session).is_some() && !self.ctx.config.lease.is_over()
    }

    async fn restart(&self, session: &SessionId) -> Result<watch::Receiver<Link>, Error> {
        if let Some(handle) = self.running(session) {
            handle.stop(false).await;
        }
        self.start(session).await
    }

    async fn stop(&self, session: &SessionId) -> Result<(), Error> {
        if let Some(handle) = self.running(session) {
            handle.stop(true).await;
        }
        // Its row tells the rest.
        let mut sessions = self.sessions();
        if sessions.get(session).is_some_and(|handle| handle.ended.is_cancelled()) {
            sessions.remove(session);
        }
        Ok(())
    }

    async fn logout(&self, session: &SessionId) -> Result<(), Error> {
        self.ask(session, Order::Logout).await
    }

    async fn pairing_code(&self, session: &SessionId, phone: &str) -> Result<PairCode, Error> {
        let phone = phone.to_owned();
        self.ask(session, |reply| Order::PairCode { phone, reply }).await
    }

    async fn submit_passkey(&self, session: &SessionId, signed: Signed) -> Result<(), Error> {
        self.ask(session, |reply| Order::Passkey { act: Act::Submit(signed), reply }).await
    }

    async fn confirm_passkey(&self, session: &SessionId, same: bool) -> Result<(), Error> {
        self.ask(session, |reply| Order::Passkey { act: Act::Confirm { same }, reply }).await
    }

    async fn registrations(&self, session: &SessionId, phones: &[String]) -> Result<Vec<Registration>, Error> {
        let phones = phones.to_vec();
        self.ask(session, |reply| Order::Registrations { phones, reply }).await
    }

    fn compose(&self, own_jid: &str, to: &Recipient, draft: &Draft, at: Timestamp) -> Composed {
        compose::compose(&*self.ctx.chance, own_jid, to, draft, at)
    }

    fn last_seen(&self, session: &SessionId) -> Option<Timestamp> {
        // Lists ask for every session: of its handle only this is taken.
        let seen = self.sessions().get(session).filter(|handle| !handle.ended.is_cancelled()).map(|handle| Arc::clone(&handle.seen));
        seen?.at()
    }

    fn statuses(&self) -> Vec<SessionStatus> {
        self.sessions().values().map(|handle| handle.link.borrow().status).collect()
    }

    fn whatsapp(&self) -> Whatsapp {
        self.show_whatsapp()
    }

    async fn fetch_version(&self) {
        self.ctx.version.force().await;
    }

    async fn upload(&self, session: &SessionId, path: &Path, kind: MediaKind, scratch: File) -> Result<Uploaded, Error> {
        let path = path.to_owned();
        self.patiently(session, media::LIMIT, move |client, _| media::upload(client, path, kind, scratch)).await
    }

    async fn download(&self, session: &SessionId, media: &MediaId, sealed: &[u8], scratch: File) -> Result<Downloaded, Error> {
        let unreadable = || Error::Refused("the stored key cannot be read".to_owned());
        let plain = self.ctx.seal.open(&place::source(session.as_str(), media.as_str()), sealed).map_err(|_| unreadable())?;
        let source = serde_json::from_slice(&plain).map_err(|_| unreadable())?;
        let again = !self.ctx.config.switches.is_off(Feature::MediaReupload);
        self.patiently(session, media::LIMIT, move |client, _| media::download(client, source, scratch, again)).await
    }

    async fn vote(&self, session: &SessionId, poll: &MessageRow, options: &[String]) -> Result<String, Error> {
        let (poll, options) = (poll.clone(), options.to_vec());
        self.with_own(session, |client, own| async move { votes::cast(&own, &client, &poll, &options).await }).await
    }

    fn flows(&self, session: &SessionId) -> bool {
        self.sessions().get(session).is_some_and(|handle| handle.flow.is_open())
    }

    fn wake(&self, _account: &AccountId, session: &SessionId) {
        if let Some(handle) = self.sessions().get(session) {
            handle.wake.notify_one();
        }
    }

    fn all_running(&self) -> Vec<SessionId> {
        self.sessions().iter().filter(|(_, handle)| !handle.ended.is_cancelled()).map(|(session, _)| session.clone()).collect()
    }

    async fn release(&self, session: &SessionId) {
        if let Some(handle) = self.running(session) {
            handle.stop(false).await;
        }
    }

    async fn rest(&self, session: &SessionId) {
        self.release(session).await;
        self.leave(session).await;
    }

    async fn shutdown(&self) {
        let handles: Vec<Handle> = {
            let sessions = self.sessions();
            self.closing.store(true, Ordering::SeqCst);
            sessions.values().filter(|handle| !handle.ended.is_cancelled()).cloned().collect()
        };
        let all = futures::future::join_all(handles.iter().map(|handle| handle.stop(false)));
        if tokio::time::timeout(SHUTDOWN_LIMIT, all).await.is_err() {
            tracing::warn!("some sessions did not end in time; what they had on the wire is sent again");
        }
    }
}
