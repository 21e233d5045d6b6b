//! What nodes write each other of limits.

use std::time::Duration;

use async_nats::{Request, RequestErrorKind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wharf_api::ids::AccountId;
use wharf_core::limit::shared::Ask;

use super::Limits;
use crate::wire::VERSION;

/// Where a node hears of limits.
pub(crate) fn subject(node: &str) -> String {
    format!("wharf.1.limit.{node}")
}

#[derive(Serialize, Deserialize)]
pub(super) struct Letter {
    pub(crate) v: u32,
    pub(crate) from: String,
    pub(crate) account: AccountId,
    pub(crate) word: Word,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Word {
    Ask(Ask),
    /// What the node has: all its calls of the last minute where whoever asks `begins` the account's book.
    Report {
        begins: bool,
    },
}

#[derive(Serialize, Deserialize)]
pub(super) struct Said<T> {
    pub(crate) v: u32,
    pub(crate) said: T,
}

/// Why there is no answer.
pub(super) enum Silence {
    /// Nobody listens there.
    Gone,
    Late,
}

impl Limits {
    /// Asks another node.
    pub(super) async fn write<T: DeserializeOwned>(
        &self,
        node: &str,
        account: &AccountId,
        word: Word,
        limit: Duration,
    ) -> Result<T, Silence> {
        let letter = Letter { v: VERSION, from: self.node.clone(), account: account.clone(), word };
        let payload = serde_json::to_vec(&letter).map_err(|_| Silence::Late)?;
        let request = Request::new().payload(payload.into()).timeout(Some(limit));
        let answer = self.nats.send_request(subject(node), request).await.map_err(|error| {
            tracing::debug!(node, %error, "a node did not answer for an account's limits");
            if error.kind() == RequestErrorKind::NoResponders { Silence::Gone } else { Silence::Late }
        })?;
        match serde_json::from_slice(&answer.payload) {
            Ok(Said { v: VERSION, said }) => Ok(said),
            _ => Err(Silence::Late),
        }
    }
}
