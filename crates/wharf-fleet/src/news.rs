//! What nodes tell each other besides sessions: that something which each of them remembers is over.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, Request, Subscriber};
use async_trait::async_trait;
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use wharf_core::Services;
use wharf_core::others::{self, News, Others};

use crate::node::Fleet;
use crate::wire::VERSION;

/// How long a node is waited for that says nothing. It looks again within five seconds by itself.
const LIMIT: Duration = Duration::from_secs(1);
/// More than a fleet has.
const NODES: u32 = 200;

#[derive(Serialize, Deserialize)]
struct ToldNews {
    v: u32,
    news: News,
}

/// Where a node hears news.
pub(crate) fn subject(node: &str) -> String {
    format!("wharf.1.news.{node}")
}

/// Heeds what other nodes tell, and says so.
pub(crate) async fn heed(mut told: Subscriber, nats: Client, services: Arc<Services>) {
    while let Some(message) = told.next().await {
        match serde_json::from_slice(&message.payload) {
            Ok(ToldNews { v: VERSION, news }) => others::heed(&services, &news),
            // Of a later release: whatever it is, nothing that is remembered is believed.
            _ => {
                for news in [News::KeysChanged, News::LoginsChanged] {
                    others::heed(&services, &news);
                }
            }
        }
        if let Some(reply) = message.reply
            && let Err(error) = nats.publish(reply, "heeded".into()).await
        {
            tracing::debug!(%error, "an answer did not go out");
        }
    }
}

#[async_trait]
impl Others for Fleet {
    async fn tell(&self, news: News) {
        if !self.hears() {
            return;
        }
        let Ok(payload) = serde_json::to_vec(&ToldNews { v: VERSION, news }) else { return };
        let nodes = match self.store.list_nodes(self.clock.now(), 0, NODES).await {
            Ok(nodes) => nodes,
            Err(error) => {
                tracing::warn!(%error, "it is not known whom to tell; the other nodes look again by themselves");
                return;
            }
        };
        let others = nodes.iter().filter(|node| node.leased && node.id != self.node);
        let all = others.map(|node| {
            let request = Request::new().payload(payload.clone().into()).timeout(Some(LIMIT));
            async move {
                if let Err(error) = self.nats.send_request(subject(&node.id), request).await {
                    tracing::debug!(node = node.id, %error, "a node was not told; it looks again by itself");
                }
            }
        });
        futures::future::join_all(all).await;
    }

    fn reachable(&self) -> Option<bool> {
        Some(self.hears())
    }
}
