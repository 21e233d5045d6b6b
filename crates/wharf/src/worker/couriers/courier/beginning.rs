//! How a courier begins, and what it does where the webhook's secret does not open.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;
use wharf_api::types::webhook::DisabledReason;
use wharf_core::seal::Unreadable;
use wharf_core::store::{self, DueWebhook, Health, WebhookRow};
use wharf_core::webhook;
use wharf_core::{Services, door};

use super::super::Signal;
use super::backlog::Backlog;
use super::{Deliverer, LEASE};

/// After how long it is tried again whether a secret opens, where nobody changed the webhook.
const OPEN_AGAIN: Duration = Duration::from_mins(1);

pub(super) enum Begun<'a> {
    Here(Box<Deliverer<'a>>),
    /// Another node has the webhook, or there is nothing to be done.
    Not,
    /// Nothing can be signed for it.
    Unreadable(Box<WebhookRow>),
}

impl<'a> Deliverer<'a> {
    /// Takes the webhook for this node.
    pub(super) async fn begin(services: &'a Services, node: &'a str, number: i64) -> Result<Begun<'a>, store::Error> {
        let Some(row) = services.store.find_webhook_numbered(number).await?.filter(|row| row.enabled) else { return Ok(Begun::Not) };
        tracing::Span::current().record("id", row.id.as_str());
        let due = DueWebhook { number, account: row.account };
        let now = services.clock.now();
        let leased_until = now + LEASE;
        let Some(row) = services.store.claim_webhook(&due, node, now, leased_until).await? else { return Ok(Begun::Not) };
        let unsealed = match webhook::unseal(services, &row) {
            Ok(unsealed) => Arc::new(unsealed),
            // It may be this node that does not know the key, and not the row that is damaged.
            Err(_) if door::pass_anew(services).await.is_err() => {
                services.store.release_webhook(&due, node).await?;
                return Ok(Begun::Not);
            }
            Err(error) => {
                unreadable(services, &due, &row, &error).await?;
                return Ok(Begun::Unreadable(Box::new(row)));
            }
        };
        Ok(Begun::Here(Box::new(Self {
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
            unwritten_since: None,
            health: Health::AsBefore,
            wanted: true,
            stale: false,
            over: false,
        })))
    }
}

/// Has the owner see it as a webhook that fails: it is not switched off before the operator had five days to bring the key.
async fn unreadable(services: &Services, due: &DueWebhook, row: &WebhookRow, error: &Unreadable) -> Result<(), store::Error> {
    let now = services.clock.now();
    let health = match row.failing_since {
        None => {
            tracing::error!(%error, "a webhook's secret does not open: nothing is delivered to it");
            Health::FailingSince(now)
        }
        Some(since) if services.schedule.gives_up(since, now) => {
            let reason = DisabledReason::Failing;
            Health::Disabled { reason, at: now, event: webhook::disabled_event(row, reason) }
        }
        Some(_) => {
            tracing::debug!(%error, "a webhook's secret does not open still");
            return Ok(());
        }
    };
    services.store.record_tries(due, Vec::new(), health, row.updated_at).await
}

/// Does nothing until it is time for another try or somebody changed the webhook.
pub(super) async fn wait_out(services: &Services, number: i64, row: &WebhookRow, signal: &Signal, stopping: &CancellationToken) {
    let again = tokio::time::Instant::now() + OPEN_AGAIN;
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep_until(again) => return,
            () = signal.notify.notified() => signal.rang.store(false, Ordering::Release),
        }
        match services.store.find_webhook_numbered(number).await {
            Ok(Some(seen)) if seen.enabled && seen.updated_at == row.updated_at => {}
            Ok(_) => {
                // Whoever changed it rang for this.
                signal.ring();
                return;
            }
            Err(error) => tracing::debug!(%error, "a webhook cannot be looked up"),
        }
    }
}
