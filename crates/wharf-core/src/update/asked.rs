//! Whether, where and how often this program asks for the update notice.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use wharf_api::Timestamp;

use super::minisign::PublicKey;

/// How far apart two looks of all nodes together lie.
pub(super) const EVERY: Duration = Duration::from_hours(24);

/// Where the notice is and whose signature it bears.
#[derive(Clone, Debug)]
pub struct Source {
    pub url: String,
    pub key: PublicKey,
}

/// Whether and where this program asks.
#[derive(Debug, Default)]
pub struct Updates {
    /// Nobody is asked where there is none.
    pub source: Option<Source>,
    /// When this node last asked, or saw that another one had.
    tried: Mutex<Option<Timestamp>>,
}

impl Updates {
    pub fn of(source: Option<Source>) -> Self {
        Self { source, tried: Mutex::default() }
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        let due = tried.is_none_or(|at| now >= at + EVERY);
        if due {
            *tried = Some(now);
        }
        due
    }
}
