//! What follows from a try, and how that is written down.

use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::Instant;
use wharf_api::Timestamp;
use wharf_api::types::webhook::{Attempt, DeliveryStatus, DisabledReason, NoAnswer};
use wharf_core::Services;
use wharf_core::store::{self, DueDelivery, Health, TryRecord, UnreadableDelivery, WebhookRow};
use wharf_core::webhook;
use wharf_core::webhook::attempt::Tried;
use wharf_core::webhook::schedule::Next;

use super::{Deliverer, WINDOW};

/// The longest that a courier rests after its server let a request hang.
const LONGEST_REST: Duration = Duration::from_secs(1);
/// How long a failed write waits until it is tried again.
const WRITE_AGAIN: Duration = Duration::from_millis(500);

pub(super) struct Written {
    tries: Vec<TryRecord>,
    health: Health,
    /// The state of the webhook that its health was found under.
    under: Timestamp,
    result: Result<(), store::Error>,
}

/// How many tries one commit writes down, on SQLite each by a statement.
const AT_ONCE: usize = 200;
/// With this many results a write does not wait for more, nor after so long: a commit costs as much as twenty deliveries, and what a death
/// leaves unwritten goes out again.
const TOGETHER: usize = 128;
const GATHER: Duration = Duration::from_millis(5);

impl<'a> Deliverer<'a> {
    /// Decides what follows from a try that was sent under a state of the webhook. The word of an earlier address says nothing of this one.
    pub(super) fn landed(&mut self, delivery: &DueDelivery, tried: &Tried, under: Timestamp) {
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
        } else if tried.is_overload() || tried.is_no_try() {
            self.window = (self.window / 2).max(1);
            if self.window == 1 && (tried.is_timeout() || tried.is_no_try()) {
                self.rests_until = Some(Instant::now() + rest(self.services));
            }
        }
        if under == self.row.updated_at {
            self.feel(tried, next, now);
        }
        let (state, next_at) = match next {
            Next::Delivered => (DeliveryStatus::Delivered, tried.at),
            Next::Failed => (DeliveryStatus::Failed, tried.at),
            Next::Again { at } => (DeliveryStatus::Pending, at),
            Next::Gone => (DeliveryStatus::Pending, now),
        };
        let attempt = (!tried.is_no_try()).then(|| Attempt::from(tried));
        self.unwritten.push(TryRecord { event: delivery.event.number, state, next_at, tries, attempt });
        self.unwritten_since.get_or_insert_with(Instant::now);
    }

    /// Ends a delivery whose event cannot be read: no other try would find more of it, and what stands behind it goes on. That says nothing
    /// of the webhook's server.
    pub(super) fn give_up(&mut self, lost: UnreadableDelivery) {
        let UnreadableDelivery { event, tries, why } = lost;
        tracing::error!(number = event, why, "an event cannot be read: its delivery is given up");
        let at = self.services.clock.now();
        let attempt = Attempt { at, duration_ms: 0, http_status: None, reason: Some(NoAnswer::Unreadable), answer: None };
        self.unwritten.push(TryRecord { event, state: DeliveryStatus::Failed, next_at: at, tries: tries + 1, attempt: Some(attempt) });
        self.unwritten_since.get_or_insert_with(Instant::now);
    }

    /// Until when results are gathered for one commit: while more is to be sent, and what is under way soon brings more of them.
    pub(super) fn gathers_until(&self) -> Option<Instant> {
        let until = self.unwritten_since? + GATHER;
        let goes_on = !self.over && self.health == Health::AsBefore && !self.flights.is_empty() && !self.backlog.is_empty();
        (goes_on && self.unwritten.len() < TOGETHER && Instant::now() < until).then_some(until)
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
            // What it did before is not counted on: five days of nothing but its failures begin after our own.
            _ if tried.is_no_try() => {
                if self.row.failing_since.is_some() {
                    self.row.failing_since = Some(tried.at);
                    self.health = Health::FailingSince(tried.at);
                }
            }
            (Next::Delivered, Some(_)) => {
                self.row.failing_since = None;
                self.health = Health::Well;
            }
            (_, None) => {
                self.row.failing_since = Some(tried.at);
                self.health = Health::FailingSince(tried.at);
            }
            (_, Some(since)) if self.services.schedule.gives_up(since, now) && self.services.steady.believes(now) => {
                self.health = disabled(&self.row, DisabledReason::Failing);
                self.over = true;
            }
            (_, Some(_)) => {}
        }
    }

    /// Writes down what is not written yet, as much as one commit has time for.
    pub(super) fn write(&mut self) -> BoxFuture<'a, Written> {
        let rest = self.unwritten.split_off(self.unwritten.len().min(AT_ONCE));
        let tries = std::mem::replace(&mut self.unwritten, rest);
        self.unwritten_since = None;
        let health = std::mem::replace(&mut self.health, Health::AsBefore);
        let (services, due, under) = (self.services, self.due.clone(), self.row.updated_at);
        Box::pin(async move {
            let result = services.store.record_tries(&due, tries.clone(), health.clone(), under).await;
            Written { tries, health, under, result }
        })
    }

    /// What could not be written is written again; it is not sent again meanwhile.
    pub(super) async fn written(&mut self, written: Written, looking: bool) -> Result<(), store::Error> {
        match written.result {
            Ok(()) => {
                self.backlog.settle(written.tries.iter().map(|record| record.event), looking);
                Ok(())
            }
            Err(error) if error.is_for_later() => {
                tracing::warn!(%error, "how deliveries went could not be written down; it is tried again");
                self.unwritten.splice(0..0, written.tries);
                if self.health == Health::AsBefore && written.under == self.row.updated_at {
                    self.health = written.health;
                }
                tokio::time::sleep(WRITE_AGAIN).await;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

/// How long a courier rests whose server hangs: what timed out together does not come to the database together, in front of those
/// whose servers answer. Nothing of it is urgent, and what a death leaves unwritten goes out again.
fn rest(services: &Services) -> Duration {
    services.chance.up_to(LONGEST_REST)
}
