//! Why a command did not do what it was asked, where the exit code says which it was: a leaf, for every command may end so.

use std::error::Error as _;

/// A line that cannot be meant, found out only by looking further than clap does.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Usage(pub String);

/// What was waited for has not happened, and still can.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NotYet(pub String);

/// Nobody answers at the gateway's address.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the gateway does not answer")]
pub(super) struct NoAnswer;

/// Why there is no answer. What could not be written never left: no repeat helps.
pub(super) fn unanswered(error: reqwest::Error) -> anyhow::Error {
    if !error.is_builder() {
        return anyhow::Error::new(error).context(NoAnswer);
    }
    let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    Usage(format!("the request cannot be written: {cause}. A key and an --idempotency-key are visible ASCII")).into()
}
