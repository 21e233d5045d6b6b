//! One webhook's courier: takes what is due, sends it, writes down how that went.
//!
//! While the server keeps up, the events of a session go out one after the other. When more wait than [`backlog::BUSY`], up to [`WINDOW`]
//! requests run at a time and the receiver orders by `sequence`. A server that says nothing in time gets fewer requests at a time,
//! down to one; each answer of it doubles them again.

mod backlog;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wharf_api::Timestamp;
use wharf_api::ids::SessionId;
use wharf_api::types::webhook::{Attempt, DeliveryState, DisabledReason};
use wharf_core::store::{self, DueDelivery, DueWebhook, Health, TryRecord, WebhookRow};
use wharf_core::webhook::attempt::{self, Tried};
use wharf_core::webhook::schedule::Next;
use wharf_core::webhook::{self, Unsealed};
use wharf_core::{Services, event};

use super::Signal;
use backlog::{Backlog, Taken};

/// How many requests to one webhook run at a time at the most.
const WINDOW: usize = 32;
/// How many results may wait to be written before nothing new is sent.
const UNWRITTEN: usize = 512;
/// For how long a webhook is this node's. Renewed when half of it is over.
const LEASE_MS: i64 = 60_000;
/// How long a courier without work stays, so that a webhook with a little to do every second is not taken every second.
const LINGER: Duration = Duration::from_secs(10);
/// How long a stop waits for requests that are under way.
const FAREWELL: Duration = Duration::from_secs(5);
/// The longest that a courier rests after its server let a request hang.
const LONGEST_REST: Duration = Duration::from_secs(1);
/// How long a failed write waits until it is tried again.
const WRITE_AGAIN: Duration = Duration::from_millis(500);

type Flight = (DueDelivery, Tried);

struct Courier<'a> {
    services: &'a Services,
    node: &'a str,
    due: DueWebhook,
    row: WebhookRow,
    unsealed: Arc<Unsealed>,
    leased_until: Timestamp,
    window: usize,
    /// Nothing is sent, read or written before that.
    rests_until: Option<Instant>,
    backlog: Backlog,
    flying: HashMap<Option<SessionId>, usize>,
    flights: FuturesUnordered<BoxFuture<'a, Flight>>,
    unwritten: Vec<TryRecord>,
    health: Health,
    /// It is worth while to look for what is due; and somebody may have changed the webhook.
    wanted: bool,
    stale: bool,
    over: bool,
}

/// What a look found.
struct Found {
    seen: Seen,
    taken: Taken,
}

/// What a look saw of the webhook itself.
enum Seen {
    /// It was not looked at: nobody changed it.
    AsBefore,
    On(Box<WebhookRow>),
    /// It is gone or switched off.
    Off,
}

pub(super) async fn run(services: &Services, node: &str, number: i64, signal: &Signal, stopping: &CancellationToken) {
    match Courier::begin(services, node, number).await {
        Ok(Some(mut courier)) => {
            if let Err(error) = courier.work(signal, stopping).await {
                tracing::warn!(webhook = %courier.row.id, %error, "a courier ends early; what it did not write down goes out again");
            }
            if stopping.is_cancelled()
                && let Err(error) = services.store.release_webhook(&courier.due, node).await
            {
                tracing::debug!(%error, "a webhook was not released; its lease runs out");
            }
        }
        Ok(None) => signal.rang.store(false, Ordering::Release),
        Err(error) => tracing::warn!(%error, "a courier cannot begin; the next look comes soon"),
    }
}

impl<'a> Courier<'a> {
    /// Takes the webhook for this node; `None` where that cannot be, or there is nothing to be done.
    async fn begin(services: &'a Services, node: &'a str, number: i64) -> Result<Option<Self>, store::Error> {
        let Some(row) = services.store.find_webhook_numbered(number).await?.filter(|row| row.enabled) else { return Ok(None) };
        let due = DueWebhook { number, account: row.account };
        let now = services.clock.now();
        let leased_until = now.plus_millis(LEASE_MS);
        let Some(row) = services.store.claim_webhook(&due, node, now, leased_until).await? else { return Ok(None) };
        let unsealed = match webhook::unseal(services, &row) {
            Ok(unsealed) => Arc::new(unsealed),
            Err(error) => {
                tracing::error!(webhook = %row.id, %error, "a webhook's secret does not open: nothing is delivered to it");
                return Ok(None);
            }
        };
        Ok(Some(Self {
            services,
            node,
            due,
            row,
            unsealed,
            leased_until,
            window: 1,
            rests_until: None,
            backlog: Backlog::default(),
            flying: HashMap::new(),
            flights: FuturesUnordered::new(),
            unwritten: Vec::new(),
            health: Health::AsBefore,
            wanted: true,
            stale: false,
            over: false,
        }))
    }

    async fn work(&mut self, signal: &Signal, stopping: &CancellationToken) -> Result<(), store::Error> {
        let mut writing: Option<BoxFuture<'a, Written>> = None;
        let mut looking: Option<BoxFuture<'a, Result<Found, store::Error>>> = None;
        let mut idle_since = Instant::now();
        let mut farewell: Option<Instant> = None;
        loop {
            if stopping.is_cancelled() && farewell.is_none() {
                self.over = true;
                farewell = Some(Instant::now() + FAREWELL);
            }
            // A server that hangs costs no reads: what nobody could send now is looked at when there is room.
            let rests = self.rests_until.is_some_and(|until| Instant::now() < until);
            let room = !self.over && !rests && self.flights.len() < self.window;
            if room && signal.rang.swap(false, Ordering::AcqRel) {
                (self.wanted, self.stale) = (true, true);
            }
            if room && self.wanted && looking.is_none() && self.backlog.is_low() {
                looking = Some(self.look());
            }
            while room && self.unwritten.len() < UNWRITTEN && self.flights.len() < self.window {
                let Some(delivery) = self.backlog.next(|session| self.flying.contains_key(session)) else { break };
                self.send(delivery);
            }
            let owes = !self.unwritten.is_empty() || self.health != Health::AsBefore;
            if writing.is_none() && owes && (!rests || self.over) {
                writing = Some(self.write());
            }
            let working = writing.is_some() || owes || !self.flights.is_empty();
            if working || !self.backlog.is_empty() {
                idle_since = Instant::now();
            }
            let busy = working || looking.is_some();
            if self.over && !busy {
                return Ok(());
            }
            let until = match farewell {
                Some(farewell) => farewell,
                None if rests => self.rests_until.unwrap_or_else(Instant::now),
                None if busy => Instant::now() + LINGER,
                None => match self.rest(idle_since).await? {
                    Some(until) => until,
                    None => return Ok(()),
                },
            };
            tokio::select! {
                Some((delivery, tried)) = self.flights.next() => self.landed(&delivery, &tried),
                found = async { looking.as_mut().expect("guarded by the branch").await }, if looking.is_some() => {
                    looking = None;
                    self.found(found?);
                }
                written = async { writing.as_mut().expect("guarded by the branch").await }, if writing.is_some() => {
                    writing = None;
                    self.written(written, looking.is_some()).await?;
                }
                () = signal.notify.notified() => {}
                () = stopping.cancelled(), if farewell.is_none() => {}
                () = tokio::time::sleep_until(until) => {
                    if farewell.is_some() {
                        return Ok(());
                    }
                    self.wanted |= !rests;
                }
            }
            self.keep_lease().await?;
        }
    }

    /// Looks for what is due, and at the webhook itself where somebody may have changed it.
    fn look(&mut self) -> BoxFuture<'a, Result<Found, store::Error>> {
        self.wanted = false;
        let stale = std::mem::take(&mut self.stale);
        let (services, number, wish) = (self.services, self.due.number, self.backlog.wish());
        Box::pin(async move {
            let seen = if stale {
                let row = services.store.find_webhook_numbered(number).await?.filter(|row| row.enabled);
                row.map_or(Seen::Off, |row| Seen::On(Box::new(row)))
            } else {
                Seen::AsBefore
            };
            let due = services.store.due_deliveries(number, services.clock.now(), wish.after, wish.first, wish.repeats).await?;
            Ok(Found { seen, taken: Taken { due, wish } })
        })
    }

    fn found(&mut self, found: Found) {
        match found.seen {
            Seen::AsBefore => {}
            Seen::On(row) => self.renew(*row),
            Seen::Off => self.over = true,
        }
        self.wanted |= self.backlog.take(found.taken);
    }

    /// Goes on with the webhook as it is now.
    fn renew(&mut self, row: WebhookRow) {
        if row.updated_at != self.row.updated_at {
            match webhook::unseal(self.services, &row) {
                Ok(unsealed) => self.unsealed = Arc::new(unsealed),
                Err(_) => self.over = true,
            }
            self.row = row;
        }
    }

    fn send(&mut self, delivery: DueDelivery) {
        *self.flying.entry(delivery.event.session.clone()).or_default() += 1;
        let (services, unsealed, timeout) = (self.services, Arc::clone(&self.unsealed), webhook::timeout(&self.row));
        let body = event::body(&self.due.account, &delivery.event);
        self.flights.push(Box::pin(async move {
            let tried = attempt::once(services, &unsealed, delivery.event.id.as_str(), body, timeout).await;
            (delivery, tried)
        }));
    }

    /// Decides what follows from a try.
    fn landed(&mut self, delivery: &DueDelivery, tried: &Tried) {
        if let Some(count) = self.flying.get_mut(&delivery.event.session) {
            *count -= 1;
            if *count == 0 {
                self.flying.remove(&delivery.event.session);
            }
        }
        let (now, tries) = (self.services.clock.now(), delivery.tries + 1);
        let next = self.services.schedule.next(tries, tried, now, &*self.services.chance);
        if tried.is_success() {
            self.window = (self.window * 2).min(WINDOW);
        } else if tried.is_overload() {
            self.window = (self.window / 2).max(1);
            if self.window == 1 && tried.is_timeout() {
                self.rests_until = Some(Instant::now() + rest(self.services));
            }
        }
        self.feel(tried, next, now);
        let (state, next_at) = match next {
            Next::Delivered => (DeliveryState::Delivered, tried.at),
            Next::Failed => (DeliveryState::Failed, tried.at),
            Next::Again { at } => (DeliveryState::Pending, at),
            Next::Gone => (DeliveryState::Pending, now),
        };
        let attempt = Attempt::from(tried);
        self.unwritten.push(TryRecord { event: delivery.event.number, state, next_at, tries, attempt });
    }

    /// Decides how the webhook is.
    fn feel(&mut self, tried: &Tried, next: Next, now: Timestamp) {
        let disabled = |row: &WebhookRow, reason| Health::Disabled { reason, at: now, event: webhook::disabled_event(row, reason) };
        match (next, self.row.failing_since) {
            _ if matches!(self.health, Health::Disabled { .. }) => {}
            (Next::Gone, _) => {
                self.health = disabled(&self.row, DisabledReason::Gone);
                self.over = true;
            }
            (Next::Delivered, None) => {}
            (Next::Delivered, Some(_)) => {
                self.row.failing_since = None;
                self.health = Health::Well;
            }
            (_, None) => {
                self.row.failing_since = Some(tried.at);
                self.health = Health::FailingSince(tried.at);
            }
            (_, Some(since)) if self.services.schedule.gives_up(since, now) => {
                self.health = disabled(&self.row, DisabledReason::Failing);
                self.over = true;
            }
            (_, Some(_)) => {}
        }
    }

    /// Writes down what is not written yet, all in one commit.
    fn write(&mut self) -> BoxFuture<'a, Written> {
        let tries = std::mem::take(&mut self.unwritten);
        let health = std::mem::replace(&mut self.health, Health::AsBefore);
        let (services, due) = (self.services, self.due.clone());
        Box::pin(async move {
            let result = services.store.record_tries(&due, tries.clone(), health.clone()).await;
            Written { tries, health, result }
        })
    }

    /// What could not be written is written again; it is not sent again meanwhile.
    async fn written(&mut self, written: Written, looking: bool) -> Result<(), store::Error> {
        match written.result {
            Ok(()) => {
                self.backlog.settle(written.tries.iter().map(|record| record.event), looking);
                Ok(())
            }
            Err(error @ store::Error::Unavailable(_)) => {
                tracing::warn!(webhook = %self.row.id, %error, "how deliveries went could not be written down; it is tried again");
                self.unwritten.splice(0..0, written.tries);
                if self.health == Health::AsBefore {
                    self.health = written.health;
                }
                tokio::time::sleep(WRITE_AGAIN).await;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Until when there is nothing to do; `None` where it is not worth to wait.
    async fn rest(&mut self, idle_since: Instant) -> Result<Option<Instant>, store::Error> {
        let linger = idle_since + LINGER;
        let next = self.services.store.next_delivery_at(self.due.number).await?;
        let wait = next.map(|at| (at.as_millis() - self.services.clock.now().as_millis()).max(1));
        let due = wait.and_then(|wait| u64::try_from(wait).ok()).map(|wait| Instant::now() + Duration::from_millis(wait));
        match due {
            Some(due) if due <= linger.max(Instant::now() + LINGER) => Ok(Some(due)),
            _ if Instant::now() < linger => Ok(Some(linger)),
            _ => Ok(None),
        }
    }

    async fn keep_lease(&mut self) -> Result<(), store::Error> {
        let now = self.services.clock.now();
        if self.leased_until.as_millis() - now.as_millis() > LEASE_MS / 2 {
            return Ok(());
        }
        self.leased_until = now.plus_millis(LEASE_MS);
        // Another node took it, or it was switched off: what is under way is written down, and nothing new begins.
        if self.services.store.claim_webhook(&self.due, self.node, now, self.leased_until).await?.is_none() {
            self.over = true;
        }
        Ok(())
    }
}

/// How long a courier rests whose server hangs: what timed out together does not come to the database together, in front of those
/// whose servers answer. Nothing of it is urgent, and what a death leaves unwritten goes out again.
fn rest(services: &Services) -> Duration {
    let mut bytes = [0; 2];
    services.chance.fill(&mut bytes);
    LONGEST_REST * u32::from(u16::from_le_bytes(bytes)) / u32::from(u16::MAX)
}

struct Written {
    tries: Vec<TryRecord>,
    health: Health,
    result: Result<(), store::Error>,
}
