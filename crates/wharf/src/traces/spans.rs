//! The spans that are traced, and what is written into them. While traces are off nothing here does anything.

use http::request::Parts;
use http::{HeaderValue, StatusCode};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, Status, TraceContextExt as _};
use serde::Deserialize;
use tracing::{Metadata, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use wharf_api::ErrorCode;
use wharf_api::ids::{AccountId, MessageId, WebhookId};
use wharf_api::ops::Operation;
use wharf_core::store::DueDelivery;
use wharf_core::traces::{self, TARGET, Traces};
use wharf_core::webhook::attempt::{Outcome, Tried};

use super::dress::{ACCOUNT, ERROR, MESSAGE, METHOD, ROUTE, STATUS};
use super::{IN_FORCE, are_on, parent};

/// Those of the log that are over soon. A session, a courier and a worker last as long as the process: nobody would ever see them end.
const OF_THE_LOG: [&str; 2] = ["request", "file"];

/// Whether a span goes to the collector. No line of the log does.
pub(super) fn is_traced(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let of_the_log = || OF_THE_LOG.contains(&metadata.name()) && target.starts_with("wharf::");
    metadata.is_span() && (target == TARGET || of_the_log())
}

/// Remembers in which trace each message was sent.
pub(super) struct Joined;

impl Traces for Joined {
    fn note(&self, message: &MessageId) {
        let Some(in_force) = IN_FORCE.get() else { return };
        let span = Span::current();
        span.set_attribute(MESSAGE, message.to_string());
        let context = context(&span);
        if context.is_valid() {
            in_force.messages.insert(message.clone(), context);
        }
    }

    fn join(&self, span: &Span, message: &MessageId) {
        if let Some(above) = IN_FORCE.get().and_then(|in_force| in_force.messages.get(message)) {
            below(span, above);
        }
    }
}

/// Puts a span that has just begun below another one.
fn below(span: &Span, above: SpanContext) {
    // A span that is not traced stands nowhere.
    let _ = span.set_parent(Context::new().with_remote_span_context(above));
}

fn context(span: &Span) -> SpanContext {
    span.context().span().span_context().clone()
}

/// A request that begins, in its caller's trace where it names one.
pub(crate) fn request(span: &Span, parts: &Parts, operation: &Operation) {
    if !are_on() {
        return;
    }
    if let Some(above) = parent::read(&parts.headers) {
        below(span, above);
    }
    span.set_attribute(METHOD, parts.method.as_str().to_owned());
    // Never the path: ids stand in it.
    span.set_attribute(ROUTE, operation.path);
}

/// How the current request was answered.
pub(crate) fn answered(status: StatusCode, code: Option<ErrorCode>, account: Option<&AccountId>) {
    if !are_on() {
        return;
    }
    let span = Span::current();
    span.set_attribute(STATUS, i64::from(status.as_u16()));
    if let Some(account) = account {
        span.set_attribute(ACCOUNT, account.to_string());
    }
    if let Some(code) = code {
        span.set_attribute(ERROR, code.name());
    }
    // That a caller is refused is no fault of ours.
    if status.is_server_error() {
        span.set_status(Status::error(""));
    }
}

/// The member of an event that says which message it tells of.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tells {
    message_id: MessageId,
}

/// One try to deliver an event, in the trace of the request that sent the message which it tells of.
pub(crate) fn delivery(webhook: &WebhookId, delivery: &DueDelivery) -> Span {
    let event = &delivery.event;
    let span = tracing::trace_span!(
        target: TARGET,
        "deliver",
        otel.kind = "client",
        wharf.webhook_id = webhook.as_str(),
        wharf.event_id = event.id.as_str(),
        wharf.event = event.kind.as_str(),
        wharf.attempt = delivery.tries + 1,
    );
    if are_on()
        && let Ok(tells) = serde_json::from_str::<Tells>(&event.data)
    {
        traces::join(&span, &tells.message_id);
    }
    span
}

/// How the current try to deliver ended.
pub(crate) fn tried(tried: &Tried) {
    if !are_on() {
        return;
    }
    let span = Span::current();
    match &tried.outcome {
        Outcome::Answer { status, .. } => span.set_attribute(STATUS, i64::from(*status)),
        Outcome::None(why) => span.set_attribute(ERROR, why.as_str()),
        Outcome::Offline => span.set_attribute(ERROR, "offline"),
    }
    if !tried.is_success() {
        span.set_status(Status::error(""));
    }
}

/// What is said to whoever is asked within the current span, where that is traced.
pub(crate) fn traceparent() -> Option<HeaderValue> {
    if are_on() { parent::write(&context(&Span::current())) } else { None }
}
