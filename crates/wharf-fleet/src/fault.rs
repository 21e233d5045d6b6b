//! Why another node did not do something, as it crosses.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use wharf_core::engine::Error;

/// How many different reasons of other nodes are kept; one release knows some twenty.
const REASONS: usize = 256;

/// Why a verb was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    /// The node does not run the session: whoever asked looks again who does.
    NotMine,
    /// The node is of another release and does not know what was asked.
    Unknown,
    NotConnected,
    Conflict {
        reason: String,
    },
    NotFound,
    Expired,
    Throttled {
        retry_after_secs: Option<u64>,
    },
    Later {
        reason: String,
        retry_after_secs: u64,
    },
    Timeout,
    Refused {
        reason: String,
    },
    Closing,
    Garbled,
    /// Its database did not do what it had to.
    Store,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::NotConnected => Self::NotConnected,
            Error::Conflict(reason) => Self::Conflict { reason: reason.to_owned() },
            Error::NotFound => Self::NotFound,
            Error::Expired => Self::Expired,
            Error::Throttled { retry_after_secs } => Self::Throttled { retry_after_secs },
            Error::Later { reason, retry_after_secs } => Self::Later { reason: reason.to_owned(), retry_after_secs },
            Error::Timeout => Self::Timeout,
            Error::Refused(reason) => Self::Refused { reason },
            Error::Closing => Self::Closing,
            Error::Garbled => Self::Garbled,
            Error::Store(error) => {
                tracing::warn!(%error, "what another node asked for could not be stored");
                Self::Store
            }
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let later = |reason| Self::Later { reason, retry_after_secs: 2 };
        match fault {
            Fault::NotMine => later("the session moves from one node to another"),
            Fault::Unknown => later("the node that has the session is of another release"),
            Fault::NotConnected => Self::NotConnected,
            Fault::Conflict { reason } => Self::Conflict(kept(&reason)),
            Fault::NotFound => Self::NotFound,
            Fault::Expired => Self::Expired,
            Fault::Throttled { retry_after_secs } => Self::Throttled { retry_after_secs },
            Fault::Later { reason, retry_after_secs } => Self::Later { reason: kept(&reason), retry_after_secs },
            Fault::Timeout => Self::Timeout,
            Fault::Refused { reason } => Self::Refused(reason),
            Fault::Closing => Self::Closing,
            Fault::Garbled => Self::Garbled,
            Fault::Store => later("the node that has the session could not store what was asked"),
        }
    }
}

/// The reason for as long as the process lives: the port speaks in fixed sentences.
fn kept(reason: &str) -> &'static str {
    static KEPT: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    keep(&mut KEPT.lock().unwrap_or_else(PoisonError::into_inner), reason)
}

/// They are few, and where they are not, one stands for all that come later.
fn keep(known: &mut BTreeSet<&'static str>, reason: &str) -> &'static str {
    if let Some(same) = known.get(reason) {
        return same;
    }
    if known.len() >= REASONS {
        return "the node that has the session does not allow it now";
    }
    let reason: &'static str = Box::leak(reason.to_owned().into_boxed_str());
    known.insert(reason);
    reason
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_crosses_and_says_the_same() {
        for error in [
            Error::NotConnected,
            Error::Conflict("the session is linked already"),
            Error::NotFound,
            Error::Expired,
            Error::Throttled { retry_after_secs: Some(7) },
            Error::Later { reason: "not yet", retry_after_secs: 9 },
            Error::Timeout,
            Error::Refused("463".to_owned()),
            Error::Closing,
            Error::Garbled,
        ] {
            let said = error.to_string();
            let written = serde_json::to_vec(&Fault::from(error)).unwrap();
            let read: Fault = serde_json::from_slice(&written).unwrap();
            assert_eq!(Error::from(read).to_string(), said);
        }
    }

    #[test]
    fn more_reasons_than_are_kept_become_one() {
        let mut known = BTreeSet::new();
        let all: BTreeSet<_> = (0..2 * REASONS).map(|number| keep(&mut known, &number.to_string())).collect();
        assert_eq!((all.len(), known.len()), (REASONS + 1, REASONS));
    }
}
