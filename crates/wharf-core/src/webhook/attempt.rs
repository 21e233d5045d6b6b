//! One try to deliver: the signed request, and what came of it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use ring::hmac;
use wharf_api::Timestamp;
use wharf_api::types::webhook::NoAnswer;

use super::Unsealed;
use crate::egress::{self, Post};
use crate::services::Services;

pub use super::tried::{Outcome, Tried};

/// How much of an answer is kept, in bytes.
const KEPT_BYTES: usize = 512;

/// Sends `body` once, signed. `id` stays the same over all tries; the time is that of the try.
pub async fn once(services: &Services, webhook: &Unsealed, id: &str, body: String, timeout: Duration) -> Tried {
    let at = services.clock.now();
    let started = tokio::time::Instant::now();
    let request = Post { url: webhook.url.clone(), headers: headers(webhook, id, at, &body), body: Bytes::from(body), timeout };
    let outcome = match services.egress.post(request).await {
        Ok(reply) => Outcome::Answer { status: reply.status, retry_after: reply.retry_after, start: start(&reply.body) },
        Err(egress::Error::Offline) => Outcome::Offline,
        Err(error) => Outcome::None(no_answer(&error)),
    };
    let took = started.elapsed();
    let tried = Tried { at, duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX), outcome };
    let meter = &services.meter.webhooks;
    meter.seconds.observe_time(took);
    match &tried.outcome {
        Outcome::Answer { .. } if tried.is_success() => meter.accepted.one(),
        Outcome::Answer { .. } => meter.refused.one(),
        Outcome::None(_) | Outcome::Offline => meter.unanswered.one(),
    }
    tried
}

fn headers(webhook: &Unsealed, id: &str, at: Timestamp, body: &str) -> Vec<(String, String)> {
    let mut headers = webhook.headers.clone();
    let seconds = at.as_secs().to_string();
    // While a secret is being replaced both sign, the new one first.
    let signing = webhook.keys.iter().filter(|(_, until)| until.is_none_or(|until| until > at));
    let signatures: Vec<_> = signing.map(|(key, _)| sign(key, id, &seconds, body)).collect();
    let ours = [
        ("content-type", "application/json; charset=utf-8".to_owned()),
        ("user-agent", concat!("Wharf/", env!("CARGO_PKG_VERSION")).to_owned()),
        (standardwebhooks::HEADER_WEBHOOK_ID, id.to_owned()),
        (standardwebhooks::HEADER_WEBHOOK_TIMESTAMP, seconds),
        (standardwebhooks::HEADER_WEBHOOK_SIGNATURE, signatures.join(" ")),
    ];
    headers.extend(ours.map(|(name, value)| (name.to_owned(), value)));
    headers
}

/// The signature of Standard Webhooks. It is made here because it is made for each delivery, and by the instructions that a processor has
/// for it a tenth of the time is enough.
fn sign(key: &hmac::Key, id: &str, seconds: &str, body: &str) -> String {
    let mut signing = hmac::Context::with_key(key);
    for part in [id, ".", seconds, ".", body] {
        signing.update(part.as_bytes());
    }
    format!("v1,{}", STANDARD.encode(signing.sign()))
}

/// The start of an answer as text, for people to read.
fn start(body: &[u8]) -> String {
    let mut kept = &body[..body.len().min(KEPT_BYTES)];
    // The character that the cut goes through is left out: nothing was wrong with it.
    if kept.len() < body.len()
        && let Err(error) = std::str::from_utf8(kept)
        && error.error_len().is_none()
    {
        kept = &kept[..error.valid_up_to()];
    }
    String::from_utf8_lossy(kept).replace('\0', "\u{FFFD}")
}

/// A name that leads to an address that may not be reached looks like one that leads nowhere: what is inside is nobody's
/// business outside.
fn no_answer(error: &egress::Error) -> NoAnswer {
    match error {
        egress::Error::Refused(_) => NoAnswer::Refused,
        egress::Error::Timeout | egress::Error::TooSlow => NoAnswer::Timeout,
        egress::Error::Tls | egress::Error::NotTls => NoAnswer::Tls,
        egress::Error::Blocked | egress::Error::Unresolved | egress::Error::Unreachable | egress::Error::Offline => NoAnswer::Unreachable,
        egress::Error::TooLarge { .. }
        | egress::Error::Status(_)
        | egress::Error::ContentType
        | egress::Error::Packed
        | egress::Error::Redirect(_)
        | egress::Error::Broken
        | egress::Error::Stopped => NoAnswer::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::super::secret;
    use super::*;

    #[test]
    fn what_is_signed_here_is_what_the_library_of_the_scheme_signs() {
        let text = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3";
        let (key, theirs) = (secret::key(text).unwrap(), standardwebhooks::Webhook::new(text).unwrap());
        for body in ["", "{}", "{\"text\":\"é\"}", &"a".repeat(5_000)] {
            let ours = sign(&key, "evt_1", "1795400000", body);
            assert_eq!(ours, theirs.sign("evt_1", 1_795_400_000, body.as_bytes()).unwrap());
        }
        assert!(secret::key("whsec_no base64").is_none());
    }

    #[test]
    fn the_start_of_an_answer_is_cut_between_characters_and_is_text_whatever_it_was() {
        assert_eq!(start(b"ok"), "ok");
        // The cut goes through the last of these.
        let accents = format!("a{}", "é".repeat(KEPT_BYTES));
        let cut = start(accents.as_bytes());
        assert_eq!((cut.len(), cut.contains('\u{FFFD}')), (KEPT_BYTES - 1, false));
        assert_eq!(start("é".repeat(KEPT_BYTES / 2).as_bytes()).len(), KEPT_BYTES, "what fits is whole");
        assert_eq!(start(b"a\0b\xffc"), "a\u{FFFD}b\u{FFFD}c", "no database takes a NUL, and no JSON a stray byte");
        assert_eq!(start(b"caf\xc3"), "caf\u{FFFD}", "what its server has cut is shown as it came");
    }

    #[test]
    fn what_is_inside_looks_like_what_is_not_there() {
        for error in [egress::Error::Blocked, egress::Error::Unresolved, egress::Error::Unreachable] {
            assert_eq!(no_answer(&error), NoAnswer::Unreachable, "{error:?}");
        }
        for error in [egress::Error::Timeout, egress::Error::TooSlow] {
            assert_eq!(no_answer(&error), NoAnswer::Timeout, "{error:?}");
        }
    }
}
