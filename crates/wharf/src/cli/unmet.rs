//! Why a command did not do what it was asked, where the exit code says which it was: a leaf, for every command may end so.

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
