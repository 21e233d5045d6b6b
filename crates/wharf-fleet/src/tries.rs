//! Tries to sign in: each node tells the others of its own at once, before it knows how they end, so that all count the same.

use std::sync::Arc;

use async_nats::connection::State;
use async_nats::{Client, Subscriber};
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use wharf_core::Services;
use wharf_core::login::Tried;

use crate::wire::VERSION;

/// Where every node hears of tries.
pub(crate) const TRIED: &str = "wharf.1.tried";
/// How many addresses, or marks of names, stand in one message.
const KEYS: usize = 2_000;

#[derive(Serialize, Deserialize)]
struct ToldTries {
    v: u32,
    node: String,
    tried: Tried,
}

/// Counts what other nodes have met.
pub(crate) async fn hear(mut told: Subscriber, own: String, services: Arc<Services>) {
    while let Some(message) = told.next().await {
        let Ok(ToldTries { v: VERSION, node, tried }) = serde_json::from_slice(&message.payload) else { continue };
        if node != own {
            services.doors.heard(tried, services.clock.steady());
        }
    }
}

/// Tells of what this node has met.
pub(crate) async fn tell(nats: Client, own: String, services: Arc<Services>) {
    loop {
        let tried = services.doors.untold().await;
        // What is said while NATS is away would come late and all at once.
        if nats.connection_state() != State::Connected {
            continue;
        }
        for addresses in tried.addresses.chunks(KEYS) {
            say(&nats, &own, Tried { addresses: addresses.to_vec(), ..Tried::default() }).await;
        }
        for names in tried.names.chunks(KEYS) {
            say(&nats, &own, Tried { names: names.to_vec(), ..Tried::default() }).await;
        }
    }
}

async fn say(nats: &Client, own: &str, tried: Tried) {
    let told = ToldTries { v: VERSION, node: own.to_owned(), tried };
    let Ok(payload) = serde_json::to_vec(&told) else { return };
    if let Err(error) = nats.publish(TRIED, payload.into()).await {
        tracing::debug!(%error, "other nodes were not told of tries to sign in");
    }
}
