//! Tasks that stay in the span of who begins them, so that what they log names its session or request.
#![expect(clippy::disallowed_methods, reason = "the one place that spawns")]

use std::future::Future;

use tokio::task::JoinHandle;
use tracing::{Instrument as _, Span};
use wharf_api::ids::SessionId;

/// Like tokio's own, but for the span.
pub(crate) fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(future.in_current_span())
}

/// A session's task. No request's span is above its own: the session outlives whoever had it started.
pub(crate) fn spawn_session(session: &SessionId, run: impl Future<Output = ()> + Send + 'static) {
    // At the highest level, so that no filter takes the span from a line that passes.
    let span = tracing::error_span!(parent: None, "session", id = session.as_str());
    tokio::spawn(run.instrument(span));
}

/// The span of one client of a session. It stands in the place of the session's own and not below it: a line has one session, and its
/// epoch where a client wrote it. An epoch that is recorded in a span that lasts would be added to those before.
pub(crate) fn client_span(session: &SessionId, epoch: i64) -> Span {
    tracing::error_span!(parent: None, "session", id = session.as_str(), epoch)
}
