//! The session's attendance to one client: its events, the engine's orders, the messages that want to go out.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};
use wacore::iq::devices::RemoveCompanionDeviceSpec;
use wacore::types::events::Event;
use wharf_core::engine::Error;
use whatsapp_rust::ErrorChainExt as _;
use whatsapp_rust::request::IqError;

use super::client::{Running, Signal, Tokens};
use super::end::End;
use super::life::Life;
use super::links::Account;
use super::outgoing::{Pump, Queue};
use super::pairing::{Ask, Pairing};
use super::usable::Usable;
use super::{Order, Own, lookup, pairing};
use crate::task;
use crate::vault::Halt;

/// How long messages on the wire may take to be acknowledged when the session ends.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);
/// How long a logout may take at WhatsApp.
const LOGOUT_LIMIT: Duration = Duration::from_secs(15);
/// How long it may take from the cut of a connection until WhatsApp has said why.
const CUT_LIMIT: Duration = Duration::from_secs(5);

/// How long the receipts that came may take to be stored when a client ends.
const RECEIPTS_LIMIT: Duration = Duration::from_secs(1);

/// The pause between two questions whether numbers are on WhatsApp, for sessions that keep a pace.
const LOOKUP_PAUSE: Duration = Duration::from_secs(1);
/// A session that looks after itself looks into its queue each time after so many: a worker of the process finds what nobody told of.
const LOOKS: u32 = 5;
/// In so many steps of the common beat, each with its share of the sessions, all of them look after themselves once.
const STEPS: u32 = 60;
/// Rests that end within this time are waited for, though not shorter than that.
const RESUME_WITHIN: Duration = Duration::from_secs(5);
const RESUME_AFTER: Duration = Duration::from_millis(50);

/// What is known of the client's connection.
#[derive(Default)]
pub(super) struct Connection {
    pub(super) connected: bool,
    /// Everything that waited at the server has come. Before that the library holds sends back for up to a minute.
    pub(super) caught_up: bool,
    /// When it was connected first without a break.
    pub(super) since: Option<Instant>,
}

/// The session's attendance to one client.
pub(super) struct Attendance<'life> {
    pub(super) life: &'life mut Life,
    pub(super) own: &'life Arc<Own>,
    pub(super) running: Running,
    pub(super) connection: Connection,
    pub(super) tokens: Tokens,
    pub(super) usable: Usable,
    /// The users that the account goes by.
    pub(super) own_users: Vec<String>,
    /// When the last way to pair is over.
    pub(super) pairing_until: Option<Instant>,
    /// A step of the ceremony with a passkey is with WhatsApp.
    pub(super) passkey_busy: bool,
    pub(super) pairing: Pairing,
    pump: Option<JoinHandle<Queue>>,
    /// When something that rests may go on.
    resume_at: Option<Instant>,
    /// Somebody woke the session while the pump was running.
    woken: bool,
    /// How often the session looked after itself.
    looks: u32,
    stopping: Option<(End, Instant)>,
    /// WhatsApp is asked to remove the device.
    logging_out: Option<JoinHandle<Result<(), IqError>>>,
    /// The end that was asked for meanwhile.
    after_logout: Option<End>,
}

impl<'life> Attendance<'life> {
    pub(super) fn new(life: &'life mut Life, own: &'life Arc<Own>, running: Running) -> Self {
        // Receipts that waited come before the word that it is connected.
        let own_users = Account::of(&running.client).users();
        Self {
            life,
            own,
            running,
            connection: Connection::default(),
            tokens: Tokens::default(),
            usable: Usable::default(),
            own_users,
            pairing_until: None,
            passkey_busy: false,
            pairing: Pairing::default(),
            pump: None,
            resume_at: None,
            woken: false,
            looks: 0,
            stopping: None,
            logging_out: None,
            after_logout: None,
        }
    }

    pub(super) async fn run(&mut self) -> End {
        self.life.receipts.start(self.own);
        let vault = Arc::clone(&self.own.vault);
        let mut halted = Box::pin(vault.shuts());
        let gate = Arc::clone(&self.own.gate);
        let mut lapsed = Box::pin(gate.lapsed());
        let wake = Arc::clone(&self.life.wake);
        let poll = self.own.ctx.config.poll;
        let mut switches = self.own.ctx.config.switches.subscribe();
        switches.mark_changed();
        let ctx = &self.own.ctx;
        let mut tick = tokio::time::interval_at(ctx.beat.after(ctx.jitter(poll), poll / STEPS), poll);
        // Those that came late stay on the beat.
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let deadline = self.deadline();
            let soonest = [self.resume_at, self.usable.until, deadline].into_iter().flatten().min();
            // In this order: what the client said before it ended counts before its end. What follows is in boxes: it is rare, and its room
            // would be the session's for as long as that waits.
            let end = tokio::select! {
                biased;
                () = &mut halted => Some(Box::pin(self.on_halt()).await),
                () = &mut lapsed => Some(self.on_lapse()),
                answered = answered(&mut self.logging_out) => self.on_logout_answered(answered),
                Some(signal) = self.running.signals.recv() => match signal {
                    Signal::Event(event) => Box::pin(self.on_event(&event)).await,
                    Signal::Receipt(receipt) => { let (event, kept) = *receipt; self.on_receipt(&event, kept); None }
                    Signal::Dialing => Box::pin(self.on_lost_socket()).await,
                    Signal::Passkey(answered) => Box::pin(self.on_passkey_answered(*answered)).await,
                },
                order = self.life.orders.recv() => match order {
                    Some(Order::Passkey { act, reply }) if self.stopping.is_none() => Box::pin(self.on_passkey_act(act, reply)).await,
                    order => self.on_order(order),
                },
                queue = finished(&mut self.pump) => self.on_pumped(queue),
                () = self.life.receipts.progress(self.own), if self.life.receipts.is_busy() => None,
                () = wake.notified() => Box::pin(self.on_wake()).await,
                () = self.own.unstored.notified() => Box::pin(self.on_unstored()).await,
                Ok(()) = switches.changed() => Box::pin(self.on_switches()).await,
                _ = tick.tick() => Box::pin(self.on_tick()).await,
                () = sleep_until(soonest), if soonest.is_some() => Box::pin(self.on_time(deadline)).await,
                () = &mut self.running.handle => Some(End::Broken),
            };
            if let Some(end) = end {
                return end;
            }
        }
    }

    /// The time of something has come. A deadline may be reckoned from the moment in which it is asked for: this one was, before the wait.
    async fn on_time(&mut self, deadline: Option<Instant>) -> Option<End> {
        let now = Instant::now();
        let has_come = |time: Option<Instant>| time.is_some_and(|time| time <= now);
        if has_come(self.resume_at) {
            self.resume_at = None;
            self.pump();
        } else if has_come(self.usable.until) {
            self.on_unready().await;
        } else if has_come(deadline) {
            return self.on_deadline().await;
        }
        None
    }

    async fn on_halt(&mut self) -> End {
        match self.own.vault.halted() {
            Some(Halt::Fenced) => End::Fenced,
            Some(Halt::Unread) => self.on_unstored().await.unwrap_or(End::Broken),
            _ => End::Broken,
        }
    }

    /// The library keeps what it could not hand over and has it sent again by the next connection, not before: so this one ends.
    async fn on_unstored(&mut self) -> Option<End> {
        if self.stopping.is_some() {
            return None;
        }
        tracing::warn!("received messages could not be stored; the client is built anew to get them again");
        // It ends in any case.
        let _ = self.on_lost_socket().await;
        Some(End::Broken)
    }

    fn on_order(&mut self, order: Option<Order>) -> Option<End> {
        let client = Arc::clone(&self.running.client);
        match order {
            None => return self.stop(End::Stopped { record: false }, DRAIN_LIMIT),
            Some(Order::Stop { record }) => return self.stop(End::Stopped { record }, DRAIN_LIMIT),
            Some(order) if self.stopping.is_some() => order.refuse(),
            Some(Order::Logout(reply)) if self.connection.connected => {
                self.life.logout = Some(reply);
                self.stopping = Some((End::LoggedOut, Instant::now() + LOGOUT_LIMIT));
                // The library's own logout takes whatever becomes of this for a success.
                self.logging_out = Some(task::spawn(async move {
                    let device = client.pn().ok_or(IqError::NotConnected)?;
                    client.execute(RemoveCompanionDeviceSpec::new(&device)).await
                }));
            }
            Some(Order::PairCode { reply, .. }) if self.running.is_linked() => {
                let _ = reply.send(Err(Error::Conflict("the session is linked already")));
            }
            Some(Order::PairCode { phone, reply }) => {
                self.pairing.code_shown = false;
                let ask = Ask {
                    client,
                    phone,
                    now: self.own.ctx.clock.now(),
                    first_qr: self.pairing.first_qr.get_or_insert_default().subscribe(),
                    refused_before: Arc::clone(&self.life.refused_codes),
                };
                task::spawn(async move { reply.send(pairing::code(ask).await) });
            }
            Some(Order::Registrations { phones, reply }) if self.connection.connected => {
                let pause = if self.own.ctx.config.pace { LOOKUP_PAUSE } else { Duration::ZERO };
                lookup::batch::ask(&self.own.lookups, client, phones, reply, pause);
            }
            Some(Order::Work(work)) if self.connection.connected => work(Some((client, Arc::clone(self.own)))),
            Some(order) => order.refuse(),
        }
        None
    }

    /// Begins the end: what is on the wire gets its chance. Whoever asks again gives it no more time.
    fn stop(&mut self, end: End, patience: Duration) -> Option<End> {
        self.tokens.drain.cancel();
        if let Some((End::LoggedOut, until)) = &mut self.stopping {
            // WhatsApp was asked, and its word decides; only it may not take so long any more.
            *until = (*until).min(Instant::now() + patience);
            self.after_logout = Some(end);
            return None;
        }
        if self.pump.is_none() {
            return Some(end);
        }
        let until = Instant::now() + patience;
        self.stopping = Some((end, self.stopping.map_or(until, |(_, before)| before.min(until))));
        None
    }

    /// Obeys what the operator has paused, and goes on where a pause is over.
    async fn on_switches(&mut self) -> Option<End> {
        if self.own.ctx.config.switches.connecting_paused().is_some() && self.stopping.is_none() {
            return self.stop(End::Paused, DRAIN_LIMIT);
        }
        self.pump();
        self.on_passkey_switch().await
    }

    fn deadline(&self) -> Option<Instant> {
        let stopping = self.stopping.map(|(_, until)| until);
        stopping.or_else(|| self.passkey_look()).or(self.pairing_until.filter(|_| !self.running.is_linked()))
    }

    /// What WhatsApp said to the wish to remove the device.
    fn on_logout_answered(&mut self, answered: Result<(), IqError>) -> Option<End> {
        let Err(error) = answered else { return Some(End::LoggedOut) };
        let code = error.server_rejection().map(|rejection| rejection.code);
        tracing::warn!(code, "a logout was not confirmed");
        match error {
            IqError::Timeout => Some(self.unconfirmed(Error::Timeout)),
            _ if code.is_some() => Some(self.unconfirmed(Error::Refused("the logout".to_owned()))),
            // A device that was removed is cut off: the word for that may be behind the cut.
            _ => {
                self.stopping = Some((End::LoggedOut, Instant::now() + CUT_LIMIT));
                None
            }
        }
    }

    /// A logout of which nobody knows whether it happened did not. The next client hears whether the device is still linked.
    fn unconfirmed(&mut self, error: Error) -> End {
        self.life.answer_logout(Err(error));
        self.after_logout.take().unwrap_or(End::Broken)
    }

    async fn on_deadline(&mut self) -> Option<End> {
        if let Some((End::LoggedOut, _)) = self.stopping {
            return Some(self.unconfirmed(Error::Timeout));
        }
        if let Some((end, _)) = self.stopping {
            return Some(end);
        }
        if self.passkey_look().is_some() {
            return self.on_passkey_look().await;
        }
        Some(End::QrExpired)
    }

    async fn on_wake(&mut self) -> Option<End> {
        self.look_around().await;
        self.pump();
        None
    }

    async fn look_around(&mut self) {
        self.life.links.catch_up(self.own).await;
        self.look_for_phone().await;
        self.look_for_unread();
    }

    async fn on_tick(&mut self) -> Option<End> {
        if self.running.client.persistence_manager().is_saver_halted() {
            self.own.ctx.meter().savers_halted.one();
            tracing::warn!("the client gave up saving; it is built anew");
            return Some(End::Broken);
        }
        self.looks = self.looks.wrapping_add(1);
        if self.looks.is_multiple_of(LOOKS) {
            return self.on_wake().await;
        }
        self.look_around().await;
        None
    }

    /// Lets messages flow, if they can.
    pub(super) fn pump(&mut self) {
        if self.pump.is_some() {
            self.woken = true;
            self.own.more.notify_one();
            return;
        }
        let client = &self.running.client;
        let ready = self.connection.connected && self.connection.caught_up && client.is_connected() && client.is_logged_in();
        // Before the store knows of a new account, what the one before it did not send is still queued.
        let paused = self.own.ctx.config.switches.sending_paused().is_some();
        if !ready || paused || self.stopping.is_some() || !self.life.links.is_recorded() {
            return;
        }
        if self.tokens.gone.is_cancelled() {
            self.tokens = Tokens::default();
        }
        self.woken = false;
        let queue = self.life.queue.take().unwrap_or_default();
        if queue.is_paused() {
            self.life.queue = Some(queue);
            return;
        }
        let pump = Pump::new(Arc::clone(self.own), Arc::clone(client), queue, self.tokens.clone());
        self.pump = Some(task::spawn(pump.run()));
    }

    fn on_pumped(&mut self, queue: Option<Queue>) -> Option<End> {
        self.pump = None;
        self.woken |= queue.as_ref().is_some_and(|queue| queue.left);
        // Longer rests are found by the worker that wakes whoever has something queued.
        let due = queue.as_ref().and_then(|queue| queue.due(self.own.ctx.clock.now())).filter(|due| *due < RESUME_WITHIN);
        self.resume_at = due.map(|due| Instant::now() + due.max(RESUME_AFTER));
        self.life.queue = queue;
        if let Some((end, _)) = self.stopping {
            return (end != End::LoggedOut).then_some(end);
        }
        if self.woken {
            self.pump();
        }
        None
    }

    /// Puts the client away.
    pub(super) async fn close(mut self: Box<Self>, end: End) -> End {
        self.forgive();
        if let Some(logging_out) = self.logging_out.take() {
            logging_out.abort();
        }
        self.tokens.drain.cancel();
        self.tokens.gone.cancel();
        if let Some(mut pump) = self.pump.take() {
            // With its socket gone the pump has only outcomes to write. Where the lease is over nobody would take them.
            let limit = if end == End::Lapsed { Duration::ZERO } else { DRAIN_LIMIT };
            match tokio::time::timeout(limit, &mut pump).await {
                Ok(queue) => self.life.queue = queue.ok(),
                Err(_) => pump.abort(),
            }
        }
        let signals = self.running.end(self.own).await;
        // WhatsApp repeats no receipt: what nobody has read yet counts too.
        while let Some(signal) = signals.try_recv() {
            let Signal::Receipt(receipt) = signal else { continue };
            let (event, kept) = *receipt;
            if let Event::Receipt(receipt) = &*event {
                self.life.receipts.add(self.own, receipt, &self.own_users, kept);
            }
        }
        self.life.receipts.drain(self.own, RECEIPTS_LIMIT).await;
        end
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Ends when WhatsApp has answered to a logout; never where none is under way.
async fn answered(logging_out: &mut Option<JoinHandle<Result<(), IqError>>>) -> Result<(), IqError> {
    let Some(asked) = logging_out else { return std::future::pending().await };
    let answered = asked.await.unwrap_or(Err(IqError::NotConnected));
    *logging_out = None;
    answered
}

/// Ends when the pump ends, with what it knows; never where none runs. A pump that panicked knows nothing.
async fn finished(pump: &mut Option<JoinHandle<Queue>>) -> Option<Queue> {
    match pump {
        Some(pump) => pump.await.ok(),
        None => std::future::pending().await,
    }
}
