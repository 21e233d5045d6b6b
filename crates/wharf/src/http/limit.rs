//! Limits over HTTP: who is let in, and the headers that tell a caller where it stands.

use axum::response::Response;
use http::HeaderName;
use wharf_core::limit::{Permit, Standing};
use wharf_core::{Caller, Services};

use super::envelope::{Failure, number};

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
