//! What a try to deliver came to.

use std::time::Duration;

use wharf_api::Timestamp;
use wharf_api::types::webhook::{Attempt, NoAnswer};

/// What one try came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Answer {
        status: u16,
        /// The header, as it was sent.
        retry_after: Option<String>,
        /// How the answer begins.
        start: String,
    },
    None(NoAnswer),
    /// Our own way out is down: nobody else's fault, and no try of theirs.
    Offline,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    pub at: Timestamp,
    pub duration_ms: u64,
    pub outcome: Outcome,
}

impl Tried {
    pub fn is_success(&self) -> bool {
        matches!(self.outcome, Outcome::Answer { status: 200..=299, .. })
    }

    /// Whether the server let us wait for nothing.
    pub fn is_timeout(&self) -> bool {
        matches!(self.outcome, Outcome::None(NoAnswer::Timeout))
    }

    /// Whether it says nothing of the server.
    pub fn is_no_try(&self) -> bool {
        matches!(self.outcome, Outcome::Offline)
    }

    /// Whether the server is overloaded: it did not answer in time, or answered 429.
    pub fn is_overload(&self) -> bool {
        self.is_timeout() || matches!(self.outcome, Outcome::Answer { status: 429, .. })
    }

    /// How long the server asks us to wait.
    pub(super) fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        let Outcome::Answer { retry_after: Some(text), .. } = &self.outcome else { return None };
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return text.parse::<u64>().ok().map(Duration::from_secs);
        }
        Timestamp::parse_http(text).map(|at| at.since(now))
    }
}

impl From<&Tried> for Attempt {
    fn from(tried: &Tried) -> Self {
        let (status, error, answer) = match &tried.outcome {
            Outcome::Answer { status, start, .. } => (Some(*status), None, Some(start.clone()).filter(|start| !start.is_empty())),
            Outcome::None(why) => (None, Some(*why), None),
            Outcome::Offline => (None, Some(NoAnswer::Unreachable), None),
        };
        Self { at: tried.at, duration_ms: tried.duration_ms, http_status: status, reason: error, answer }
    }
}
