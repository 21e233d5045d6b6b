//! One webhook's courier: takes what is due, sends it, writes down how that went.
//!
//! While the server keeps up, the events of a session go out one after the other. When more wait than [`backlog::BUSY`], up to [`WINDOW`]
//! requests run at a time and the receiver orders by `sequence`. A server that says nothing in time gets fewer requests at a time,
//! down to one; each answer of it doubles them again.

mod backlog;
mod beginning;
mod results;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use wharf_api::Timestamp;
use wharf_api::ids::SessionId;
use wharf_core::store::{self, DueDelivery, DueWebhook, Health, TryRecord, UnreadableDelivery, WebhookRow};
use wharf_core::webhook::attempt::{self, Tried};
use wharf_core::webhook::{self, Unsealed};
use wharf_core::{Services, door, event};

use super::Signal;
use crate::http::path_of_event;
use crate::traces;
use backlog::{Backlog, Taken};
use beginning::Begun;
use results::Written;

/// How many requests to one webhook run at a time at the most.
const WINDOW: usize = 32;
/// How many results may wait to be written before nothing new is sent.
const UNWRITTEN: usize = 512;
/// For how long a webhook is this node's. Renewed when half of it is over.
const LEASE: Duration = Duration::from_mins(1);
/// How long a courier without work stays, so that a webhook with a little to do every second is not taken every second.
const LINGER: Duration = Duration::from_secs(10);
/// How long a stop waits for requests that are under way.
const FAREWELL: Duration = Duration::from_secs(5);

/// A try that ended, and the state of the webhook that it was sent under.
type EndedTry = (DueDelivery, Tried, Timestamp);

struct Deliverer<'a> {
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
    flights: FuturesUnordered<BoxFuture<'a, EndedTry>>,
    unwritten: Vec<TryRecord>,
    /// When the first of them came that no write was begun for.
    unwritten_since: Option<Instant>,
    health: Health,
    /// It is worth while to look for what is due; and somebody may have changed the webhook.
    wanted: bool,
    stale: bool,
    over: bool,
}

/// What a look found.
struct Found {
    seen: WebhookNow,
    taken: Taken,
    unreadable: Vec<UnreadableDelivery>,
}

/// What a look saw of the webhook itself.
enum WebhookNow {
    /// It was not looked at: nobody changed it.
    AsBefore,
    On(Box<WebhookRow>),
    /// It is gone or switched off.
    Off,
}

pub(super) async fn run(services: &Services, node: &str, number: i64, signal: &Signal, stopping: &CancellationToken) {
    match Deliverer::begin(services, node, number).await {
        Ok(Begun::Here(mut courier)) => {
            if let Err(error) = courier.work(signal, stopping).await {
                tracing::warn!(%error, "a courier ends early; what it did not write down goes out again");
            }
            if (stopping.is_cancelled() || door::known(services).is_err())
                && let Err(error) = services.store.release_webhook(&courier.due, node).await
            {
                tracing::debug!(%error, "a webhook was not released; its lease runs out");
            }
        }
        Ok(Begun::Not) => signal.rang.store(false, Ordering::Release),
        Ok(Begun::Unreadable(row)) => beginning::wait_out(services, number, &row, signal, stopping).await,
        Err(error) => tracing::warn!(%error, "a courier cannot begin; the next look comes soon"),
    }
}

impl<'a> Deliverer<'a> {
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
            if room && self.wanted && looking.is_none() && self.backlog.is_low() && self.unwritten.len() < UNWRITTEN {
                looking = Some(self.look());
            }
            while room && self.unwritten.len() < UNWRITTEN && self.flights.len() < self.window {
                let Some(delivery) = self.backlog.next(|session| self.flying.contains_key(session)) else { break };
                self.send(delivery);
            }
            let owes = !self.unwritten.is_empty() || self.health != Health::AsBefore;
            let gathers = self.gathers_until();
            if writing.is_none() && owes && gathers.is_none() && (!rests || self.over) {
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
            let until = gathers.map_or(until, |gathers| gathers.min(until));
            tokio::select! {
                Some((delivery, tried, under)) = self.flights.next() => {
                    self.landed(&delivery, &tried, under);
                    // What else is there by now is taken in the same turn.
                    while let Some(Some((delivery, tried, under))) = self.flights.next().now_or_never() {
                        self.landed(&delivery, &tried, under);
                    }
                }
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
                    self.wanted |= !rests && gathers.is_none();
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
                row.map_or(WebhookNow::Off, |row| WebhookNow::On(Box::new(row)))
            } else {
                WebhookNow::AsBefore
            };
            let due = services.store.due_deliveries(number, services.clock.now(), wish.after, wish.first, wish.repeats).await?;
            let wish = wish.without(&due.unreadable);
            Ok(Found { seen, taken: Taken { due: due.readable, wish }, unreadable: due.unreadable })
        })
    }

    fn found(&mut self, found: Found) {
        match found.seen {
            WebhookNow::AsBefore => {}
            WebhookNow::On(row) => self.renew(*row),
            WebhookNow::Off => self.over = true,
        }
        // What is written down already and is read once more is known until then.
        let unreadable: Vec<_> = found.unreadable.into_iter().filter(|lost| self.backlog.knows_from_now_on(lost.event)).collect();
        self.wanted |= self.backlog.take(found.taken);
        for lost in unreadable {
            self.give_up(lost);
        }
    }

    /// Goes on with the webhook as it is now.
    fn renew(&mut self, row: WebhookRow) {
        if row.updated_at != self.row.updated_at {
            match webhook::unseal(self.services, &row) {
                Ok(unsealed) => self.unsealed = Arc::new(unsealed),
                Err(_) => self.over = true,
            }
            // What was found out about the address before tells nothing of this one.
            self.health = Health::AsBefore;
            self.row = row;
        }
    }

    fn send(&mut self, delivery: DueDelivery) {
        let Some(body) = self.body(&delivery) else {
            let why = "what it tells is no JSON".to_owned();
            return self.give_up(UnreadableDelivery { event: delivery.event.number, tries: delivery.tries, why });
        };
        *self.flying.entry(delivery.event.session.clone()).or_default() += 1;
        let (services, unsealed, timeout) = (self.services, Arc::clone(&self.unsealed), webhook::timeout(&self.row));
        let under = self.row.updated_at;
        let span = traces::delivery(&self.row.id, &delivery);
        let flight = async move {
            let tried = attempt::once(services, &unsealed, delivery.event.id.as_str(), body, timeout).await;
            traces::tried(&tried);
            (delivery, tried, under)
        };
        self.flights.push(Box::pin(flight.instrument(span)));
    }

    fn body(&self, delivery: &DueDelivery) -> Option<String> {
        match self.row.max_bytes.and_then(|bytes| usize::try_from(bytes).ok()) {
            Some(max) => event::body_within(&self.due.account, &delivery.event, max, &path_of_event(&delivery.event)),
            None => event::body(&self.due.account, &delivery.event),
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
        // What is under way is written down, and another node goes on.
        self.over |= door::known(self.services).is_err();
        let now = self.services.clock.now();
        if self.leased_until.since(now) > LEASE / 2 {
            return Ok(());
        }
        self.leased_until = now + LEASE;
        // Another node took it, or it was switched off: what is under way is written down, and nothing new begins.
        if self.services.store.claim_webhook(&self.due, self.node, now, self.leased_until).await?.is_none() {
            self.over = true;
        }
        Ok(())
    }
}
