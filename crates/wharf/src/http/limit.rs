//! Limits over HTTP: who is let in, and the headers that tell a caller where it stands.

use axum::response::Response;
use http::{HeaderName, HeaderValue};
use wharf_core::limit::{Permit, Standing};
use wharf_core::{Caller, Services};

use super::envelope::Failure;

pub(super) const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
pub(super) const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
pub(super) const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Counts the call, or refuses it. `standing` is for the headers of the answer, whatever that will be.
pub(super) async fn admit(services: &Services, caller: &Caller, standing: &mut Option<Standing>) -> Result<Permit, Failure> {
    let (now, admitted) = match &services.shared {
        None => services.calls.admit(&caller.account, &caller.plan, &*services.clock),
        Some(shared) => shared.admit(&caller.account, &caller.plan).await,
    };
    *standing = Some(now);
    admitted.map_err(|refused| refused.error(&now).into())
}

/// Writes the headers.
pub(super) fn stamp(response: &mut Response, standing: &Standing) {
    // A caller that comes back in the second that is named must not be too early.
    let reset = u64::try_from(standing.reset_at.as_millis()).unwrap_or(0).div_ceil(1000);
    for (name, value) in [(LIMIT, standing.limit), (REMAINING, standing.remaining), (RESET, reset)] {
        response.headers_mut().insert(name, number(value));
    }
}

/// A number as a header, in one piece of memory: the library's own way takes two, and three of these stand in each answer.
pub(super) fn number(value: u64) -> HeaderValue {
    let (mut digits, mut rest) = ([b'0'; 20], value);
    let mut begin = digits.len();
    for (place, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b"0123456789"[(rest % 10) as usize];
        (begin, rest) = (place, rest / 10);
        if rest == 0 {
            break;
        }
    }
    HeaderValue::from_bytes(&digits[begin..]).expect("digits are visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_as_the_library_writes_it() {
        for value in [0, 1, 9, 10, 99, 100, 12_345, 1_796_057_414, u64::MAX - 1, u64::MAX] {
            assert_eq!(number(value), HeaderValue::from(value));
        }
    }
}
