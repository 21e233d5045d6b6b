//! What is noted of a request and of its answer for whoever checks it, answers it or writes its line.

use std::net::IpAddr;
use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use http::Extensions;
use tokio::time::Instant;
use tracing::Level;
use tracing::level_filters::LevelFilter;
use wharf_api::ErrorCode;
use wharf_api::ops::Operation;
use wharf_core::caller::By;
use wharf_core::limit::Permit;

use super::envelope::Code;
use super::server::line::Line;

/// How a request came, and what it is called. It travels beside the request, and in its extensions to who reads it there: most that are
/// refused need no room for it.
#[derive(Clone)]
pub(super) struct Came {
    /// When its head was there.
    pub at: Instant,
    /// The other end of the connection.
    pub peer: IpAddr,
    pub line: Arc<Line>,
    pub id: Arc<str>,
}

/// The name of a request.
pub(super) fn request_id(extensions: &Extensions) -> Arc<str> {
    extensions.get::<Came>().map_or_else(|| Arc::from("req_unnamed"), |came| Arc::clone(&came.id))
}

/// What is noted of an answer, for its count, its log line and its link. It travels beside the answer: in its extensions each of them would
/// take memory of its own.
#[derive(Default)]
pub(super) struct AnswerNotes {
    /// The operation that was called.
    pub called: Option<&'static Operation>,
    /// Of a failure.
    pub code: Option<ErrorCode>,
    /// The key or log-in, where the log line may be wanted.
    pub key: Option<By>,
    /// Its place among the requests of its account: until it is sent, the request runs.
    pub permit: Option<Arc<Permit>>,
    /// What is sent before the response's own body.
    pub body: Bytes,
}

impl AnswerNotes {
    /// Of an answer that no operation gave: what came through a router has its code in its extensions.
    pub fn beside(response: &Response) -> Self {
        Self { code: response.extensions().get::<Code>().map(|code| code.0), ..Self::default() }
    }
}

/// Whether the log line of each request may be wanted, which alone tells of its key.
///
/// By the most that anybody hears of. A question to the filters themselves is of a line that never comes: where traces have a filter beside
/// the log's, what each of them said of it would be left to the next span, which would be missing from one of the two.
pub(super) fn key_is_told() -> bool {
    LevelFilter::current() >= Level::DEBUG
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    /// The other end of the connection.
    pub peer: IpAddr,
    /// Behind the proxies that are trusted.
    pub origin: IpAddr,
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tracing::span::{Attributes, Id};
    use tracing::subscriber::with_default;
    use tracing::{Subscriber, error_span};
    use tracing_subscriber::filter::filter_fn;
    use tracing_subscriber::layer::{Context, SubscriberExt as _};
    use tracing_subscriber::{EnvFilter, Layer, registry};

    use super::*;

    /// Counts the spans that it sees.
    #[derive(Clone, Default)]
    struct SpansSeen(Arc<AtomicUsize>);

    impl<S: Subscriber> Layer<S> for SpansSeen {
        fn on_new_span(&self, _: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn whoever_asks_whether_the_key_is_told_takes_the_next_span_from_nobody() {
        let (traces, lines) = (SpansSeen::default(), SpansSeen::default());
        let traced = traces.clone().with_filter(filter_fn(|metadata| metadata.is_span() && metadata.name() == "request"));
        let shown = lines.clone().with_filter(EnvFilter::new("info,wharf::request=debug"));
        with_default(registry().with(traced).with(shown), || {
            assert!(key_is_told());
            assert!(!error_span!("request").is_disabled());
        });
        assert_eq!([traces, lines].map(|seen| seen.0.load(Ordering::Relaxed)), [1, 1]);
    }
}
