//! What an error of the HTTP client means.

use std::error::Error as StdError;

use wharf_core::egress::Error;

/// The first thing in the chain of causes that tells what happened.
pub(super) fn of(error: &reqwest::Error) -> Error {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(at) = cause {
        if let Some(own) = at.downcast_ref::<Error>() {
            return own.clone();
        }
        if let Some(error) = at.downcast_ref::<rustls::Error>() {
            return if matches!(error, rustls::Error::InvalidMessage(_)) { Error::NotTls } else { Error::Tls };
        }
        // An I/O error hides what it wraps from the chain, and it may wrap another one.
        let hidden = at.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = match hidden {
            Some(hidden) => Some(hidden),
            None => at.source(),
        };
    }
    if error.is_timeout() {
        Error::Timeout
    } else if error.is_connect() {
        Error::Unreachable
    } else {
        Error::Broken
    }
}
