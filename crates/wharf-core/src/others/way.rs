//! The way to the other nodes, and what goes over it.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use wharf_api::ids::{KeyId, LoginId};

/// What another node may remember otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// The key was revoked, or its end is another one.
    KeyChanged(KeyId),
    /// What keys may do has changed: a plan, or an account's.
    KeysChanged,
    LoginEnded(LoginId),
    /// Log-ins have ended, or users may do something else.
    LoginsChanged,
}

/// The way to the other nodes.
#[async_trait]
pub trait Others: Send + Sync + 'static {
    /// Tells every node that works, and waits a moment until each has said that it heeds it. A node that says nothing is not waited for long.
    async fn tell(&self, news: News);

    /// Whether there is a way to them now; `None` where this node is alone.
    fn reachable(&self) -> Option<bool>;
}

/// Nobody else.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

#[async_trait]
impl Others for Alone {
    async fn tell(&self, _news: News) {}

    fn reachable(&self) -> Option<bool> {
        None
    }
}
