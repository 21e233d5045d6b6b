//! The other nodes on the database: what they are told at once, so that what they remember is not believed too long.
//!
//! Nothing depends on it but time: who hears nothing looks into the database a few seconds later.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use wharf_api::ids::{KeyId, LoginId};

use crate::services::Services;

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

/// What news mean in this process.
pub fn heed(services: &Services, news: &News) {
    match news {
        News::KeyChanged(id) => services.keys.forget(id),
        News::KeysChanged => services.keys.expire(),
        News::LoginEnded(id) => services.doors.forget(id),
        News::LoginsChanged => services.doors.forget_all(),
    }
}

/// The same here and everywhere.
pub async fn spread(services: &Services, news: News) {
    heed(services, &news);
    services.others.tell(news).await;
}
