//! Traces: one thread from a request to its send, to WhatsApp and to a webhook; told to a collector that nobody waits for.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Word;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use prost::Message as _;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use wharf_api::ErrorCode;

use crate::harness::api::read;
use crate::harness::hook::axum_serve;
use crate::harness::process::{Process, fresh_dir, program};
use crate::harness::{Api, Backend, ECHO, Hook, OWNER, World, eventually};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// How the collector takes what comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Takes,
    /// No answer until that changes.
    Hangs,
}

struct Shared {
    asked: Mutex<Vec<(HeaderMap, Bytes)>>,
    mode: watch::Sender<Mode>,
}

/// A receiver of traces.
struct Collector {
    url: String,
    shared: Arc<Shared>,
    running: JoinHandle<()>,
}

impl Collector {
    async fn start(mode: Mode) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared { asked: Mutex::default(), mode: watch::Sender::new(mode) });
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&shared));
        let running = tokio::spawn(async move { axum_serve(listener, router).await });
        Self { url, shared, running }
    }

    /// What came so far, with the headers of the first request.
    fn got(&self) -> (Option<HeaderMap>, Vec<ResourceSpans>) {
        let asked = self.shared.asked.lock().unwrap();
        let decoded = asked.iter().flat_map(|(_, body)| ExportTraceServiceRequest::decode(body.clone()).unwrap().resource_spans);
        (asked.first().map(|(headers, _)| headers.clone()), decoded.collect())
    }

    fn spans(&self) -> Vec<Span> {
        let (_, all) = self.got();
        all.into_iter().flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
    }

    async fn until_asked(&self) {
        eventually("the collector is asked", async || if self.spans().is_empty() { Err("never".to_owned()) } else { Ok(()) }).await;
    }

    /// The span with that value of that attribute, once it is there.
    async fn until_span(&self, name: &str, value: &str) -> Span {
        eventually(&format!("a span with {name} {value} arrives"), async || {
            let spans = self.spans();
            let found = spans.iter().find(|span| word(&span.attributes, name).as_deref() == Some(value)).cloned();
            found.ok_or_else(|| names(&spans))
        })
        .await
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn take(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    shared.asked.lock().unwrap().push((headers, body));
    // The sender lives as long as the collector does.
    let _ = shared.mode.subscribe().wait_for(|mode| *mode == Mode::Takes).await;
    StatusCode::OK
}

fn names(spans: &[Span]) -> String {
    format!("{:?}", spans.iter().map(|span| &span.name).collect::<Vec<_>>())
}

fn word(attributes: &[KeyValue], name: &str) -> Option<String> {
    let value = attributes.iter().find(|attribute| attribute.key == name)?.value.clone()?.value?;
    match value {
        Word::StringValue(text) => Some(text),
        Word::IntValue(number) => Some(number.to_string()),
        other => panic!("{name}: {other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The four spans of one send, once they are all there: request, send, wire, delivery.
async fn until_thread(collector: &Collector) -> [Span; 4] {
    eventually("the spans of the send arrive", async || {
        let spans: Vec<_> = collector.spans().into_iter().filter(|span| hex(&span.trace_id) == TRACE).collect();
        let one = |name: &str| spans.iter().find(|span| span.name == name).cloned();
        match [one("POST /v1/messages/text"), one("send"), one("wire"), one("deliver")] {
            [Some(request), Some(send), Some(wire), Some(deliver)] => Ok([request, send, wire, deliver]),
            _ => Err(names(&spans)),
        }
    })
    .await
}

async fn dropped(api: &Api) -> u64 {
    let page = api.get("/metrics").await;
    let text = String::from_utf8_lossy(&page.bytes).into_owned();
    let value = text.lines().find_map(|line| line.strip_prefix("wharf_trace_spans_dropped_total ")).unwrap_or_else(|| panic!("{text}"));
    value.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_send_is_one_trace_from_its_callers_span_to_its_webhook_and_says_nothing_of_what_was_sent() {
    let (collector, hook) = (Collector::start(Mode::Takes).await, Hook::start().await);
    let env = [
        ("WHARF_OTLP_ENDPOINT", collector.url.as_str()),
        ("WHARF_OTLP_HEADERS", "x-team=shop,authorization=Bearer of-the-collector"),
        ("WHARF_OTLP_SERVICE_NAME", "shop"),
        // Nobody reads those.
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-other=1"),
        ("OTEL_SERVICE_NAME", "other"),
        ("OTEL_TRACES_SAMPLER", "always_off"),
    ];
    let world = World::start_with(Backend::Sqlite, &env).await;
    let api = world.api();
    api.post("/v1/webhooks", &json!({"url": hook.url("/sent"), "events": ["message.sent"]})).await.ok(201);
    let session = world.pair(OWNER).await;
    let body = json!({"sessionId": session, "to": ECHO, "text": "between you and me"});
    let asked = api.request("POST", "/v1/messages/text").header("traceparent", format!("00-{TRACE}-{CALLER}-01"));
    let sent = read(asked.header("tracestate", "shop=1").json(&body)).await;
    let id = sent.ok(201)["messageId"].as_str().unwrap();
    let delivered = eventually("the event is delivered", async || {
        hook.find("/sent", |got| got.event()["data"]["messageId"] == id).ok_or_else(|| "nothing".to_owned())
    })
    .await;

    let [request, send, wire, deliver] = until_thread(&collector).await;
    assert_eq!(hex(&request.parent_span_id), CALLER);
    assert_eq!((&send.parent_span_id, &wire.parent_span_id, &deliver.parent_span_id), (&request.span_id, &send.span_id, &send.span_id));
    assert_eq!(delivered.headers["traceparent"], format!("00-{TRACE}-{}-01", hex(&deliver.span_id)));
    assert!(!delivered.headers.contains_key("tracestate"));
    let kinds = [request.kind(), send.kind(), wire.kind(), deliver.kind()];
    assert_eq!(kinds, [SpanKind::Server, SpanKind::Internal, SpanKind::Client, SpanKind::Client]);
    let account = delivered.event()["accountId"].as_str().unwrap().to_owned();
    for (span, name, value) in [
        (&request, "http.request.method", "POST"),
        (&request, "http.route", "/v1/messages/text"),
        (&request, "http.response.status_code", "201"),
        (&request, "wharf.operation", "send_text"),
        (&request, "wharf.request_id", sent.header("x-request-id")),
        (&request, "wharf.account_id", account.as_str()),
        (&send, "wharf.message_id", id),
        (&send, "wharf.session_id", session.as_str()),
        (&wire, "wharf.message_id", id),
        (&wire, "wharf.attempt", "1"),
        (&deliver, "wharf.event", "message.sent"),
        (&deliver, "http.response.status_code", "204"),
    ] {
        assert_eq!(word(&span.attributes, name).as_deref(), Some(value), "{name} of {span:?}");
    }

    let (headers, all) = collector.got();
    let headers = headers.unwrap();
    for (name, value) in [("x-team", "shop"), ("authorization", "Bearer of-the-collector"), ("content-type", "application/x-protobuf")] {
        assert_eq!(headers[name], value);
    }
    assert!(!headers.contains_key("x-other"));
    let resource = all[0].resource.clone().unwrap();
    assert_eq!(word(&resource.attributes, "service.name").as_deref(), Some("shop"));
    assert!(!world.log().contains("of-the-collector"), "{}", world.log());
    let shown = format!("{all:?}");
    for secret in ["between you and me", OWNER, ECHO, api.key.as_str(), "of-the-collector", &hook.url("/sent")] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_a_good_traceparent_begins_a_trace_and_tells_how_it_was_refused() {
    let collector = Collector::start(Mode::Takes).await;
    let world = World::start_with(Backend::Sqlite, &[("WHARF_OTLP_ENDPOINT", collector.url.as_str())]).await;
    let api = world.api();
    let path = "/v1/sessions/ses_00000000000000000000000000000000";
    let asked = api.request("GET", path).header("traceparent", format!("00-{TRACE}-{CALLER}"));
    let refused = read(asked).await;
    refused.refused(ErrorCode::SessionNotFound);
    let span = collector.until_span("wharf.request_id", refused.header("x-request-id")).await;
    assert_eq!((span.parent_span_id.len(), span.name.as_str()), (0, "GET /v1/sessions/{sessionId}"));
    assert_ne!(hex(&span.trace_id), TRACE);
    let said = ["error.type", "http.response.status_code"].map(|name| word(&span.attributes, name).unwrap());
    assert_eq!(said, [ErrorCode::SessionNotFound.name().to_owned(), ErrorCode::SessionNotFound.status().to_string()]);
    assert!(!format!("{:?}", collector.spans()).contains(path));
    assert_eq!(dropped(&api).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_hangs_costs_its_spans_and_nobodys_answer_and_is_told_once() {
    let collector = Collector::start(Mode::Hangs).await;
    let env = [("WHARF_OTLP_ENDPOINT", collector.url.as_str()), ("WHARF_OTLP_TIMEOUT_SECS", "1")];
    let world = World::start_with(Backend::Sqlite, &env).await;
    let session = world.pair(OWNER).await;
    collector.until_asked().await;
    // It has answered nothing so far, and a send is answered by WhatsApp's word.
    assert_eq!(world.send(&session, ECHO, "hello").await.ok(201)["status"], "sent");
    let api = world.api();
    let says = |words: &str| world.log().matches(words).count();
    eventually("spans are dropped, and that is said", async || {
        let (dropped, said) = (dropped(&api).await, says("spans of traces are dropped"));
        if dropped > 0 && said > 0 { Ok(()) } else { Err(format!("{dropped} dropped, {said} lines")) }
    })
    .await;
    let before = dropped(&api).await;
    eventually("more are dropped", async || {
        let now = dropped(&api).await;
        if now > before { Ok(()) } else { Err(format!("{now} after {before}")) }
    })
    .await;
    collector.shared.mode.send_replace(Mode::Takes);
    eventually("it is said that they arrive", async || {
        api.get("/v1/account").await.ok(200);
        if says("spans of traces reach the collector again") > 0 { Ok(()) } else { Err(world.log()) }
    })
    .await;
    assert_eq!((says("spans of traces are dropped"), says("spans of traces reach the collector again")), (1, 1), "{}", world.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_hangs_does_not_hold_up_the_end() {
    let collector = Collector::start(Mode::Hangs).await;
    // Longer than a stop may take: only the stop's own patience can end the wait.
    let env = [("WHARF_OTLP_ENDPOINT", collector.url.as_str()), ("WHARF_OTLP_TIMEOUT_SECS", "60")];
    let mut world = World::start_with(Backend::Sqlite, &env).await;
    world.api().get("/v1/account").await.ok(200);
    collector.until_asked().await;
    world.gateway().end().await;
    assert!(world.log().contains("the last spans of traces did not reach the collector"), "{}", world.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_spans_arrive_before_the_end() {
    let collector = Collector::start(Mode::Takes).await;
    let mut world = World::start_with(Backend::Sqlite, &[("WHARF_OTLP_ENDPOINT", collector.url.as_str())]).await;
    let answered = world.api().get("/v1/account").await;
    answered.ok(200);
    world.gateway().end().await;
    let (spans, id) = (collector.spans(), answered.header("x-request-id"));
    assert!(spans.iter().any(|span| word(&span.attributes, "wharf.request_id").as_deref() == Some(id)), "{}", names(&spans));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_tells_nobody_who_is_far_away_and_no_address_that_is_none() {
    let dir = fresh_dir();
    let args = ["--json", "--port", "0", "--data-dir", dir.to_str().unwrap()];
    for (endpoint, words) in [("http://collector.example:4318", "must be on loopback"), ("collector:4318", "otlp.endpoint: ")] {
        let started = Process::try_start(&program("wharf-sandbox"), &args, &[("WHARF_OTLP_ENDPOINT", endpoint)]).await;
        let Err(said) = started else { panic!("it starts with {endpoint}") };
        assert!(said.contains(words), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_collector_nothing_is_traced() {
    let (world, hook) = (World::start(Backend::Sqlite).await, Hook::start().await);
    world.api().post("/v1/webhooks", &json!({"url": hook.url("/tried"), "events": ["*"]})).await.ok(201);
    let tests = hook.tests("/tried");
    assert_eq!(tests.len(), 1);
    assert!(!tests[0].headers.contains_key("traceparent"), "{:?}", tests[0].headers);
    assert_eq!(dropped(&world.api()).await, 0);
}
