//! What a request to WhatsApp that failed means: one reading for everything that asks.

use std::error::Error as StdError;

use wharf_core::engine::Error;
use whatsapp_rust::ErrorChainExt;
use whatsapp_rust::request::IqError;

/// The engine's word for a failed request. `meaning` reads the codes that mean something of their own to who asked; what it leaves is a
/// refusal by its number. The library's sentences hold numbers of people and are not passed on.
pub(crate) fn refusal<E: StdError + ErrorChainExt + ?Sized>(error: &E, meaning: impl FnOnce(u16) -> Option<Error>) -> Error {
    if let Some(rejection) = error.server_rejection() {
        return match (meaning(rejection.code), rejection.code) {
            (Some(meant), _) => meant,
            (None, 429) => Error::Throttled { retry_after_secs: rejection.backoff.map(u64::from) },
            (None, code) => Error::Refused(format!("code {code}")),
        };
    }
    if error.is_transport_unavailable() {
        return Error::NotConnected;
    }
    if error.is_timeout() {
        return Error::Timeout;
    }
    if error.sources().any(is_unreadable) { Error::Garbled } else { Error::Refused("the request failed".to_owned()) }
}

/// Whether WhatsApp answered, and not in words that the library knows.
fn is_unreadable(error: &(dyn StdError + 'static)) -> bool {
    use wacore::request::IqError as CoreIqError;
    matches!(error.downcast_ref(), Some(IqError::ParseError(_) | IqError::UnexpectedResponseType { .. }))
        || matches!(error.downcast_ref(), Some(CoreIqError::UnexpectedResponseType { .. }))
}

#[cfg(test)]
mod tests {
    use whatsapp_rust::GroupError;
    use whatsapp_rust::pair_code::PairError;

    use super::*;
    use crate::session::{lookup, pairing};
    use crate::{groups, people};

    fn refused(code: u16) -> IqError {
        IqError::ServerError { code, text: "15550001002".to_owned(), error_type: None, backoff: (code == 429).then_some(30) }
    }

    #[test]
    fn one_failure_means_the_same_whoever_asked() {
        type Made = fn() -> IqError;
        let table: [(Made, &str); 7] = [
            (|| IqError::Timeout, "Timeout"),
            (|| IqError::NotConnected, "NotConnected"),
            (|| IqError::InternalChannelClosed, "NotConnected"),
            (|| IqError::UnexpectedResponseType { got: None }, "Garbled"),
            (|| IqError::ParseError(whatsapp_rust::anyhow::anyhow!("15550001002")), "Garbled"),
            (|| IqError::DuplicateRequestId(String::new()), "Refused"),
            (|| refused(429), "Throttled { retry_after_secs: Some(30) }"),
        ];
        for (made, meant) in table {
            let readings = [
                lookup::failure(&made()),
                people::failure(&made()),
                groups::failure(&GroupError::Iq(made())),
                pairing::failure(&PairError::RequestFailed(made()), 0),
            ];
            for reading in readings {
                let reading = format!("{reading:?}");
                assert!(reading.starts_with(meant) && !reading.contains("1555"), "{:?}: {reading}", made());
            }
        }
    }

    #[test]
    fn codes_mean_what_the_asker_says_and_else_a_refusal_by_number() {
        assert!(matches!(groups::failure(&GroupError::Iq(refused(419))), Error::Conflict(_)));
        for missing in [403, 404] {
            assert!(matches!(groups::failure(&GroupError::Iq(refused(missing))), Error::NotFound));
            assert!(matches!(people::failure(&refused(missing)), Error::NotFound));
            assert!(matches!(lookup::failure(&refused(missing)), Error::Refused(code) if code == format!("code {missing}")));
        }
        assert!(matches!(groups::failure(&GroupError::Iq(refused(500))), Error::Refused(code) if code == "code 500"));
    }
}
