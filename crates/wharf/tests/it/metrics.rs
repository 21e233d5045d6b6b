//! `GET /metrics`: what an operator's Prometheus reads.
#![expect(clippy::float_cmp, reason = "counts are whole numbers")]

use serde_json::json;
use wharf::http::Limits;
use wharf_api::ErrorCode;

use crate::harness::{Gateway, Reply, engine};

/// The value of one line, by its name with its labels.
pub fn value(reply: &Reply, name: &str) -> f64 {
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap_or_else(|| panic!("{name}: {text}"));
    line.parse().unwrap()
}

#[tokio::test]
async fn requests_and_refusals_are_counted_by_operation_and_code() {
    let gateway = Gateway::start().await;
    gateway.get("/v1/sessions").send().await.ok(200);
    gateway.get("/v1/sessions").send().await.ok(200);
    gateway.get("/v1/sessions/ses_0").send().await.refused(ErrorCode::SessionNotFound);
    gateway.ask("GET", "/v1/sessions").send().await.refused(ErrorCode::MissingApiKey);
    gateway.ask("GET", "/nowhere").send().await.refused(ErrorCode::ResourceNotFound);
    let page = gateway.ask("GET", "/metrics").send().await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/plain; version=0.0.4; charset=utf-8"), "{}", page.shown());
    assert_eq!(value(&page, r#"wharf_requests_total{operation="list_sessions",code="ok"}"#), 2.0);
    assert_eq!(value(&page, r#"wharf_requests_total{operation="get_session",code="session_not_found"}"#), 1.0);
    assert_eq!(value(&page, r#"wharf_requests_total{operation="list_sessions",code="missing_api_key"}"#), 1.0);
    assert_eq!(value(&page, r#"wharf_requests_total{operation="none",code="resource_not_found"}"#), 1.0);
    assert_eq!(value(&page, r#"wharf_request_duration_seconds_count{operation="list_sessions"}"#), 3.0);
    // The one that asks.
    assert_eq!(value(&page, "wharf_requests_in_progress"), 1.0);
}

#[tokio::test]
async fn sessions_memory_and_the_queue_are_told() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    gateway.session().await;
    // The engine that plays along reports an outcome and leaves the row as it is.
    gateway.post("/v1/messages/text", json!({"sessionId": session, "to": engine::SILENT, "text": "x"})).send().await.ok(201);
    let page = gateway.ask("GET", "/metrics").send().await;
    assert_eq!(value(&page, r#"wharf_sessions{status="connected"}"#), 1.0);
    assert_eq!(value(&page, r#"wharf_sessions{status="qr"}"#), 1.0);
    assert_eq!(value(&page, r#"wharf_sessions{status="disconnected"}"#), 0.0);
    assert_eq!((value(&page, "wharf_queue_waiting"), value(&page, "wharf_database_up")), (1.0, 1.0));
    assert!(value(&page, "wharf_queue_oldest_seconds") < 60.0);
    assert!(value(&page, "wharf_session_memory_bytes") * 2.0 <= value(&page, "process_resident_memory_bytes"));
}

#[tokio::test]
async fn no_tenant_number_or_key_stands_on_the_page() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    gateway.post("/v1/messages/text", json!({"sessionId": session, "to": engine::SILENT, "text": "x"})).send().await.ok(201);
    let page = String::from_utf8(gateway.ask("GET", "/metrics").send().await.body).unwrap();
    for secret in [session.as_str(), gateway.account.as_str(), &gateway.key, engine::SILENT, "acc_", "key_", "ses_", "wharf_live_"] {
        assert!(!page.contains(secret), "{secret}: {page}");
    }
}

#[tokio::test]
async fn the_page_is_shown_also_where_the_database_is_gone_and_where_the_server_is_full() {
    let gateway = Gateway::start_with(Limits { concurrent_requests: 0, ..Limits::default() }).await;
    gateway.get("/v1/sessions").send().await.refused(ErrorCode::ServiceUnavailable);
    gateway.store.close().await;
    let page = gateway.ask("GET", "/metrics").send().await;
    assert_eq!(page.status, 200, "{}", page.shown());
    assert_eq!(value(&page, "wharf_database_up"), 0.0);
    assert!(!String::from_utf8_lossy(&page.body).contains("wharf_queue_waiting"));
}

/// What is shown from its first value on: nothing was fetched yet, nobody announced an end, there is neither a canary nor NATS.
const LATER: [&str; 5] = [
    "wharf_canary_seconds",
    "wharf_limits_alone",
    "wharf_nats_up",
    "wharf_whatsapp_expires_seconds",
    "wharf_whatsapp_version_fetches_total",
];

/// Every metric has its row in the operator's page, and no row is for a metric that is gone.
#[tokio::test]
async fn the_operators_page_lists_exactly_the_metrics_that_there_are() {
    let gateway = Gateway::start().await;
    gateway.session().await;
    let page = String::from_utf8(gateway.ask("GET", "/metrics").send().await.body).unwrap();
    let mut shown: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let manual = include_str!("../../../../docs/operations.md");
    let names = manual.lines().filter_map(|line| line.strip_prefix("| `")?.split(['`', '{']).next());
    let mut listed: Vec<&str> = names.filter(|name| name.starts_with("wharf_") || name.starts_with("process_")).collect();
    assert!(shown.iter().all(|name| name.starts_with("wharf_") || name.starts_with("process_")), "{shown:?}");
    assert!(LATER.iter().all(|name| listed.contains(name)));
    listed.retain(|name| shown.contains(name) || !LATER.contains(name));
    shown.sort_unstable();
    listed.sort_unstable();
    assert_eq!(shown, listed);
}
