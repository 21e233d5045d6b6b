//! Pairing: what the QR code says, the code that the person types on the phone, and why a phone's answer did not link.

mod refused;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use wharf_api::Timestamp;
use wharf_core::engine::{Error, PairCode};
use whatsapp_rust::client::Client;
use whatsapp_rust::pair::NATIVE_CAMERA_DEEP_LINK_PREFIX;
use whatsapp_rust::pair_code::{PairCodeError, PairCodeOptions, PairCodeRejection, PairError};

use crate::error::refusal;

/// How long the client may take to open its socket, WhatsApp to begin the pairing on it, and then to answer.
const SOCKET_LIMIT: Duration = Duration::from_secs(8);
const FIRST_QR_LIMIT: Duration = Duration::from_secs(8);
const ANSWER_LIMIT: Duration = Duration::from_secs(15);
/// How long WhatsApp takes a code.
const LIFE: Duration = Duration::from_mins(3);
/// WhatsApp says 400 both to what is wrong and to who asks too often. The second in a row is the latter: no code for this long.
const TOO_OFTEN_SECS: u64 = 180;

/// How far the pairing on a client is.
#[derive(Default)]
pub(super) struct Pairing {
    /// Whether the connection that is open has brought a QR code. A linked session has none to tell of.
    pub(super) first_qr: Option<watch::Sender<bool>>,
    /// All QR codes of the connection are over.
    pub(super) qr_exhausted: bool,
    /// WhatsApp gave a code that may be typed.
    pub(super) code_shown: bool,
}

/// A wish for a code.
pub(super) struct Ask {
    pub(super) client: Arc<Client>,
    pub(super) phone: String,
    pub(super) now: Timestamp,
    pub(super) first_qr: watch::Receiver<bool>,
    /// How often WhatsApp refused since it gave a code.
    pub(super) refused_before: Arc<AtomicU32>,
}

/// The QR text as current clients write it: a link that the phone's own camera can follow too.
pub(super) fn for_the_camera(code: &str) -> String {
    if code.starts_with(NATIVE_CAMERA_DEEP_LINK_PREFIX) { code.to_owned() } else { format!("{NATIVE_CAMERA_DEEP_LINK_PREFIX}{code}") }
}

/// Asks for a code. One that was shown before is void from then on.
pub(super) async fn code(ask: Ask) -> Result<PairCode, Error> {
    let Ask { client, phone, now, mut first_qr, refused_before } = ask;
    client.wait_for_socket(SOCKET_LIMIT).await.map_err(|_| Error::NotConnected)?;
    // Asked for earlier it is refused, and a refusal counts as one too many.
    let begun = async { first_qr.wait_for(|arrived| *arrived).await.is_ok() };
    if !tokio::time::timeout(FIRST_QR_LIMIT, begun).await.unwrap_or(false) {
        return Err(Error::Later { reason: "WhatsApp has not begun the pairing yet", retry_after_secs: 5 });
    }
    let asked = async {
        let first = client.pair_with_code(options(&phone)).await;
        if matches!(first, Err(PairError::PairCode(PairCodeError::CodeAlreadyOutstanding { .. }))) {
            client.cancel_pair_code().await;
            return client.pair_with_code(options(&phone)).await;
        }
        first
    };
    match tokio::time::timeout(ANSWER_LIMIT, asked).await {
        Ok(Ok(code)) => {
            refused_before.store(0, Ordering::Relaxed);
            Ok(PairCode { code: spell(&code), expires_at: now + LIFE })
        }
        Ok(Err(error)) => {
            let before = if error.rejection().is_some() { refused_before.fetch_add(1, Ordering::Relaxed) } else { 0 };
            Err(failure(&error, before))
        }
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

pub(crate) fn failure(error: &PairError, refused_before: u32) -> Error {
    if let Some(rejection) = error.rejection() {
        let pause = error.backoff().map(|pause| pause.as_secs());
        let throttled = match rejection {
            PairCodeRejection::RateOverlimit => true,
            PairCodeRejection::BadRequest => pause.is_some() || refused_before > 0,
            _ => false,
        };
        if throttled {
            return Error::Throttled { retry_after_secs: pause.or(Some(TOO_OFTEN_SECS)) };
        }
        return Error::Later { reason: of_code(Some(rejection), false), retry_after_secs: pause.unwrap_or(60) };
    }
    match error {
        PairError::PairCode(PairCodeError::Cancelled) => Error::Expired,
        _ => refusal(error, |_| None),
    }
}

/// What a refusal of a pairing code means; `typed` tells whether the person had typed one.
fn of_code(rejection: Option<PairCodeRejection>, typed: bool) -> &'static str {
    match rejection {
        _ if typed => "WhatsApp did not take the typed code; ask for another one, or scan the QR code",
        Some(PairCodeRejection::Forbidden) => "WhatsApp does not allow this number to be linked by a code now; scan the QR code",
        Some(PairCodeRejection::FeatureNotAvailable) => "WhatsApp has no pairing codes for this account; scan the QR code",
        Some(PairCodeRejection::RateOverlimit) => "WhatsApp was asked for pairing codes too often",
        Some(PairCodeRejection::InternalServerError) => "WhatsApp has an error of its own and gives no pairing code now",
        _ => "WhatsApp gives no pairing code for this number; look at the number, or scan the QR code",
    }
}

/// The code and the meaning of the library's words for an answer of the phone's that it could not use. The words themselves are not shown.
pub(super) fn in_words(error: &str) -> (u16, &'static str) {
    let code = |known: &str| error.contains(known);
    if code("signature-mismatch") {
        (401, "the phone's signature does not fit: a number that is joined to Meta's Business Platform cannot be linked with this release")
    } else if code("hmac-mismatch") {
        (401, "the phone answered to a code that is not valid any more; scan the one that is shown now")
    } else if code("invalid-key") {
        (401, "the phone's key cannot be used")
    } else {
        (500, "the phone's answer to the code could not be used")
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
        let refused = |code, backoff, before| {
            let error = IqError::ServerError { code, text: String::new(), error_type: None, backoff };
            failure(&PairError::RequestFailed(error), before)
        };
        assert!(matches!(refused(429, Some(30), 0), Error::Throttled { retry_after_secs: Some(30) }));
        assert!(matches!(refused(400, None, 0), Error::Later { .. }), "it may be the number");
        assert!(matches!(refused(400, None, 1), Error::Throttled { retry_after_secs: Some(TOO_OFTEN_SECS) }));
        for code in [403, 452, 500] {
            assert!(matches!(refused(code, None, 1), Error::Later { .. }), "{code}");
        }
        assert!(matches!(failure(&PairError::RequestFailed(IqError::Timeout), 0), Error::Timeout));
        assert!(matches!(failure(&PairError::RequestFailed(IqError::NotConnected), 0), Error::NotConnected));
    }

    #[test]
    fn a_number_of_the_business_platform_is_named_and_the_librarys_words_are_not_shown() {
        let (code, text) = in_words("pairing crypto failed with code 401: signature-mismatch (source: 15550000001)");
        assert!(code == 401 && text.contains("Meta's Business Platform") && !text.contains("1555"));
        assert_eq!(in_words("pairing crypto failed with code 401: hmac-mismatch (source: x)").0, 401);
        assert_eq!(in_words("anything").0, 500);
    }

    #[test]
    fn the_qr_text_is_a_link_once() {
        let once = for_the_camera("2@ref,a,b,c,1");
        assert_eq!(once, "https://wa.me/settings/linked_devices#2@ref,a,b,c,1");
        assert_eq!(for_the_camera(&once), once);
    }
}
