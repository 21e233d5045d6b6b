//! What an error of an HTTP client means.

use std::error::Error as StdError;
use std::io::ErrorKind;

use wharf_core::egress::Error;

/// What went wrong with a download.
pub(super) fn of(error: &reqwest::Error) -> Error {
    told(error).unwrap_or_else(|| guessed(error.is_timeout(), error.is_connect()))
}

/// What went wrong with a `POST`.
pub(super) fn of_post(error: &hyper_util::client::legacy::Error) -> Error {
    told(error).unwrap_or_else(|| guessed(is_timeout(error), error.is_connect()))
}

/// The first thing in the chain of causes that tells what happened.
fn told(error: &(dyn StdError + 'static)) -> Option<Error> {
    let mut cause = Some(error);
    while let Some(at) = cause {
        if let Some(own) = at.downcast_ref::<Error>() {
            return Some(own.clone());
        }
        if let Some(error) = at.downcast_ref::<rustls::Error>() {
            return Some(if matches!(error, rustls::Error::InvalidMessage(_)) { Error::NotTls } else { Error::Tls });
        }
        // An I/O error hides what it wraps from the chain, and it may wrap another one.
        let hidden = at.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = match hidden {
            Some(hidden) => Some(hidden),
            None => at.source(),
        };
    }
    None
}

fn guessed(is_timeout: bool, is_connect: bool) -> Error {
    if is_timeout {
        Error::Timeout
    } else if is_connect {
        Error::Unreachable
    } else {
        Error::Broken
    }
}

/// Whether something in the chain of causes ran out of time.
fn is_timeout(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(at) = cause {
        let of_io = at.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::TimedOut);
        if of_io || at.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_timeout) {
            return true;
        }
        cause = at.source();
    }
    false
}
