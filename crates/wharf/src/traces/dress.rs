//! What a span looks like when it leaves: its name, its kind, and the attributes that may leave.
//!
//! The list is what keeps texts, numbers of people, keys and codes inside: an attribute that is not on it goes nowhere, also one that
//! somebody adds to a span of the log in good faith. Lines of the log are never part of a span.

use opentelemetry::trace::{SpanKind, Status};
use opentelemetry::{Key, Value};
use opentelemetry_sdk::trace::{SpanData, SpanEvents};

// Ids of ours, names of the contract, and numbers of the protocol. The request's id is the caller's own word where it gave one.
pub(super) const METHOD: &str = "http.request.method";
pub(super) const ROUTE: &str = "http.route";
pub(super) const STATUS: &str = "http.response.status_code";
pub(super) const ERROR: &str = "error.type";
pub(super) const ACCOUNT: &str = "wharf.account_id";
pub(super) const MESSAGE: &str = "wharf.message_id";
const SESSION: &str = "wharf.session_id";
const MEDIA: &str = "wharf.media_id";
const REQUEST: &str = "wharf.request_id";
const OPERATION: &str = "wharf.operation";

const MAY_LEAVE: [&str; 14] = [
    METHOD,
    ROUTE,
    STATUS,
    ERROR,
    ACCOUNT,
    MESSAGE,
    SESSION,
    MEDIA,
    REQUEST,
    OPERATION,
    "wharf.webhook_id",
    "wharf.event_id",
    "wharf.event",
    "wharf.attempt",
];

/// The fields of the log's own spans, by the names that they have in a trace.
static OF_THE_LOG: [(&str, &str, &str); 4] =
    [("request", "id", REQUEST), ("request", "operation", OPERATION), ("file", "session", SESSION), ("file", "media", MEDIA)];

/// The span as it may leave.
pub(super) fn dressed(mut span: SpanData) -> SpanData {
    for attribute in &mut span.attributes {
        let named = OF_THE_LOG.iter().find(|(of, field, _)| *of == span.name && *field == attribute.key.as_str());
        if let Some(&(_, _, name)) = named {
            attribute.key = Key::from_static_str(name);
        }
    }
    span.attributes.retain(|attribute| MAY_LEAVE.contains(&attribute.key.as_str()));
    span.events = SpanEvents::default();
    if let Status::Error { description } = &mut span.status {
        *description = "".into();
    }
    if span.name == "request" {
        span.span_kind = SpanKind::Server;
        let word = |name: &str| span.attributes.iter().find(|attribute| attribute.key.as_str() == name).map(|attribute| &attribute.value);
        if let (Some(Value::String(method)), Some(Value::String(route))) = (word(METHOD), word(ROUTE)) {
            span.name = format!("{} {}", method.as_str(), route.as_str()).into();
        }
    }
    span
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::SystemTime;

    use opentelemetry::trace::{Event, SpanContext, SpanId};
    use opentelemetry::{InstrumentationScope, KeyValue};

    use super::*;

    /// A span as the library hands it over.
    pub(in crate::traces) fn span(name: &'static str, attributes: &[(&'static str, &'static str)]) -> SpanData {
        SpanData {
            span_context: SpanContext::empty_context(),
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: name.into(),
            start_time: SystemTime::UNIX_EPOCH,
            end_time: SystemTime::UNIX_EPOCH,
            attributes: attributes.iter().map(|(key, value)| KeyValue::new(*key, *value)).collect(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: opentelemetry_sdk::trace::SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: InstrumentationScope::builder("test").build(),
        }
    }

    fn attributes(span: &SpanData) -> Vec<(String, String)> {
        span.attributes.iter().map(|attribute| (attribute.key.to_string(), attribute.value.to_string())).collect()
    }

    #[test]
    fn a_request_is_named_by_its_route_and_its_fields_by_what_they_are() {
        let given = [("id", "req_1"), ("operation", "send_text"), (METHOD, "POST"), (ROUTE, "/v1/messages/text")];
        let span = dressed(span("request", &given));
        assert_eq!((&*span.name, &span.span_kind), ("POST /v1/messages/text", &SpanKind::Server));
        let names = [(REQUEST, "req_1"), (OPERATION, "send_text"), (METHOD, "POST"), (ROUTE, "/v1/messages/text")];
        assert_eq!(attributes(&span), names.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn nothing_leaves_that_is_not_on_the_list() {
        let given =
            [("text", "hello"), ("phone", "15550000001"), ("key", "wharf_live_x"), ("qr", "2@x"), ("id", "whk_1"), (MESSAGE, "msg_1")];
        let mut wild = span("send", &given);
        wild.events.events.push(Event::with_name("a line of the log"));
        wild.status = Status::error("15550000001 says hello");
        let span = dressed(wild);
        assert_eq!(attributes(&span), [(MESSAGE.to_owned(), "msg_1".to_owned())]);
        assert_eq!((span.events.events.len(), &span.status), (0, &Status::error("")));
        assert_eq!((&*span.name, &span.span_kind), ("send", &SpanKind::Internal));
    }
}
