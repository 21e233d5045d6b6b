//! Pairing by a code that the person types on the phone.

use std::sync::Arc;
use std::time::Duration;

use wharf_api::Timestamp;
use wharf_core::engine::{Error, PairCode};
use whatsapp_rust::ErrorChainExt as _;
use whatsapp_rust::client::Client;
use whatsapp_rust::pair_code::{PairCodeError, PairCodeOptions, PairError};

/// How long the client may take to open its socket, and then to get an answer.
const SOCKET_LIMIT: Duration = Duration::from_secs(8);
const ANSWER_LIMIT: Duration = Duration::from_secs(15);
/// How long WhatsApp takes a code.
const LIFE_MS: i64 = 180_000;

/// Asks for a code for `phone`. One that was shown before is void from then on.
pub(super) async fn code(client: Arc<Client>, phone: String, now: Timestamp) -> Result<PairCode, Error> {
    client.wait_for_socket(SOCKET_LIMIT).await.map_err(|_| Error::NotConnected)?;
    let ask = async {
        let first = client.pair_with_code(options(&phone)).await;
        if matches!(first, Err(PairError::PairCode(PairCodeError::CodeAlreadyOutstanding { .. }))) {
            client.cancel_pair_code().await;
            return client.pair_with_code(options(&phone)).await;
        }
        first
    };
    match tokio::time::timeout(ANSWER_LIMIT, ask).await {
        Ok(Ok(code)) => Ok(PairCode { code: spell(&code), expires_at: now.plus_millis(LIFE_MS) }),
        Ok(Err(error)) => Err(failure(&error)),
        Err(_) => Err(Error::Timeout),
    }
}

fn options(phone: &str) -> PairCodeOptions {
    PairCodeOptions { phone_number: phone.to_owned(), ..Default::default() }
}

/// As the phone shows it: two groups of four.
fn spell(code: &str) -> String {
    match code.split_at_checked(4) {
        Some((first, second)) if !second.is_empty() => format!("{first}-{second}"),
        _ => code.to_owned(),
    }
}

fn failure(error: &PairError) -> Error {
    if let Some(rejection) = error.rejection() {
        if rejection.is_throttled() {
            return Error::Throttled { retry_after_secs: error.backoff().map(|pause| pause.as_secs()) };
        }
        return Error::Refused(format!("code {}", rejection.code()));
    }
    if error.is_transport_unavailable() {
        return Error::NotConnected;
    }
    match error {
        PairError::RequestFailed(whatsapp_rust::request::IqError::Timeout) => Error::Timeout,
        PairError::PairCode(PairCodeError::Cancelled) => Error::Expired,
        // The library's words may hold the number; its kind is enough.
        _ => Error::Refused("the pairing code was not given".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_shown_in_two_groups() {
        assert_eq!(spell("ABCD1234"), "ABCD-1234");
        assert_eq!(spell("ABC"), "ABC");
    }

    #[test]
    fn a_refusal_tells_whether_to_wait() {
        use whatsapp_rust::request::IqError;
        let refused = |code, backoff| {
            let text = if code == 429 { "rate-overlimit" } else { "feature-not-available" };
            failure(&PairError::RequestFailed(IqError::ServerError { code, text: text.to_owned(), error_type: None, backoff }))
        };
        assert!(matches!(refused(429, Some(30)), Error::Throttled { retry_after_secs: Some(30) }));
        assert!(matches!(refused(452, None), Error::Refused(_)));
        assert!(matches!(failure(&PairError::RequestFailed(IqError::Timeout)), Error::Timeout));
        assert!(matches!(failure(&PairError::RequestFailed(IqError::NotConnected)), Error::NotConnected));
    }
}
