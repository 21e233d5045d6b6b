//! Addresses that come with bad keys: each node tells the others how often it met them, so that all count the same.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, Subscriber};
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use tokio::time::MissedTickBehavior;
use wharf_core::Services;

use crate::wire::VERSION;

/// Where every node hears of failures.
pub(crate) const FAILED: &str = "wharf.1.failed";
/// How often they are told, where there are some.
const PERIOD: Duration = Duration::from_millis(50);
/// How many addresses stand in one message.
const ADDRESSES: usize = 2_000;

#[derive(Serialize, Deserialize)]
struct FailedKeys {
    v: u32,
    node: String,
    addresses: Vec<(IpAddr, u64)>,
}

/// Counts what other nodes have met.
pub(crate) async fn hear(mut told: Subscriber, own: String, services: Arc<Services>) {
    while let Some(message) = told.next().await {
        let Ok(FailedKeys { v: VERSION, node, addresses }) = serde_json::from_slice(&message.payload) else { continue };
        if node == own {
            continue;
        }
        let now = services.clock.steady();
        for (address, failures) in addresses {
            services.floods.heard(address, failures, now);
        }
    }
}

/// Tells of what this node has met.
pub(crate) async fn tell(nats: Client, own: String, services: Arc<Services>) {
    let mut turns = tokio::time::interval(PERIOD);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        let failed = services.floods.take_untold();
        // What is said while NATS is away would come late and all at once.
        if nats.connection_state() != State::Connected {
            continue;
        }
        for addresses in failed.chunks(ADDRESSES) {
            let failed = FailedKeys { v: VERSION, node: own.clone(), addresses: addresses.to_vec() };
            let Ok(payload) = serde_json::to_vec(&failed) else { continue };
            if let Err(error) = nats.publish(FAILED, payload.into()).await {
                tracing::debug!(%error, "other nodes were not told of failed keys");
            }
        }
    }
}
