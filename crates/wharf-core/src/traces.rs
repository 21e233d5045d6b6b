//! The traces of requests, where the operator wants some: work that goes on in another task joins the trace of the request that it is for.
//!
//! A process has one subscriber for its spans, so it has one of these. Without one nothing is remembered and nothing joins.

use std::sync::OnceLock;

use tracing::Span;
use wharf_api::ids::MessageId;

/// The target of spans that are there for traces alone. They are of the lowest level: without traces no usual filter of the log lets them
/// begin, and they cost nothing.
pub const TARGET: &str = "wharf::traces";

static PORT: OnceLock<Box<dyn Traces>> = OnceLock::new();

/// Knows which trace belongs to which message.
pub trait Traces: Send + Sync + 'static {
    /// The span that this is called in is about the message: what is done for it later belongs to the same trace.
    fn note(&self, message: &MessageId);

    /// Puts a span that has just begun below the one that the message was noted in, as far as that is remembered.
    fn join(&self, span: &Span, message: &MessageId);
}

/// From now on traces are kept.
pub fn begin(traces: impl Traces) {
    // Whoever came first stays: a process has one subscriber.
    let _ = PORT.set(Box::new(traces));
}

/// The current span is about the message.
pub fn note(message: &MessageId) {
    if let Some(traces) = PORT.get() {
        traces.note(message);
    }
}

/// A span for work on a message, in the trace of the request that sent it.
pub fn join(span: &Span, message: &MessageId) {
    if let Some(traces) = PORT.get() {
        traces.join(span, message);
    }
}
