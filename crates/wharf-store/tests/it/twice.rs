//! A step that is told under two kinds: SQLite keeps what it tells once, and every reader has it with both.

use std::sync::Arc;

use serde_json::{Value, json};
use wharf_api::Timestamp;
use wharf_api::limits;
use wharf_api::types::event::EventKind;
use wharf_api::types::session::SessionStatus;
use wharf_api::types::webhook::{Attempt, DeliveryStatus};
use wharf_core::store::{
    DueWebhook, EraseStore, EventFilter, EventPage, EventRow, EventStore, Health, LinkChange, MessageStore, NewEvent, SessionStore,
    TryRecord, WebhookRow, WebhookStore,
};
use wharf_store::{Report, inspect};

use crate::harness::{Db, both_backends};
use crate::owed::webhook;
use crate::tenant::{ALL, NOW, Tenant, sent};

both_backends!(
    a_step_is_read_in_full_under_both_of_its_kinds,
    what_tells_something_else_keeps_its_own_words,
    a_page_is_as_large_as_what_is_read_and_not_as_what_is_kept,
    a_webhook_is_handed_the_whole_under_the_umbrella,
    wherever_the_log_is_cut_what_is_left_can_be_read,
    an_account_that_is_deleted_is_cut_between_the_two_as_well,
    what_nobody_tells_any_more_is_found_and_passed_over,
);

async fn write(db: &Db, tenant: &Tenant, events: Vec<NewEvent>) {
    let status = SessionStatus::Connected;
    let change = LinkChange { status, reason: None, refusal: None, jid: None, lid: None, push_name: None, unlink: false, at: NOW, events };
    db.store.record_link(&tenant.fence, &change).await.unwrap();
}

/// A step of the session, under two kinds.
fn step(words: &str) -> Vec<NewEvent> {
    NewEvent::each(vec![EventKind::SessionStatus, EventKind::SessionConnected], &json!({"x": words}))
}

async fn page(db: &Db, tenant: &Tenant, after: i64) -> EventPage {
    db.store.list_events(&tenant.account, &EventFilter::default(), after, 1_000).await.unwrap()
}

async fn log(db: &Db, tenant: &Tenant) -> Vec<EventRow> {
    page(db, tenant, 0).await.rows
}

/// What stands in the column of those events.
async fn kept(db: &Db, events: &[EventRow]) -> Vec<String> {
    let mut kept = Vec::new();
    for event in events {
        kept.extend(db.told(&format!("number = {}", event.number)).await);
    }
    kept
}

/// The events that a look through the database cannot read.
pub async fn unreadable(db: &Db) -> Vec<String> {
    let inspection = inspect(&db.url).await.unwrap();
    let mut report = Report::default();
    inspection.look(NOW, |_, _, _| true, &mut report).await.unwrap();
    inspection.close().await;
    report.kinds().filter(|(_, what, _)| *what == "events that cannot be read").flat_map(|(_, _, found)| found.ids.clone()).collect()
}

async fn a_step_is_read_in_full_under_both_of_its_kinds(db: &Db) {
    let tenant = Tenant::new(db).await;
    let message = tenant.send(db, "hello").await;
    db.store.record_outcomes(&tenant.fence, &[sent(&message.id)]).await.unwrap();
    let rows = log(db, &tenant).await;
    let kinds: Vec<_> = rows.iter().map(|row| row.kind).collect();
    assert_eq!(kinds, [EventKind::MessageStatus, EventKind::MessageStatus, EventKind::MessageSent]);
    let told: Vec<Value> = rows.iter().map(|row| serde_json::from_str(&row.data).unwrap()).collect();
    assert_eq!((&told[0]["status"], &told[1]["status"]), (&json!("queued"), &json!("sent")));
    assert_eq!(told[1], told[2]);
    let kept = kept(db, &rows).await;
    assert_eq!((&kept[0], &kept[2]), (&rows[0].data, &rows[2].data));
    assert_eq!(kept[1], if db.is_sqlite() { "" } else { rows[1].data.as_str() }, "on PostgreSQL others may come between");
    let umbrella = EventFilter { kinds: vec![EventKind::MessageStatus], ..EventFilter::default() };
    assert_eq!(db.store.list_events(&tenant.account, &umbrella, 0, 10).await.unwrap().rows, rows[..2]);
    assert_eq!(unreadable(db).await, Vec::<String>::new());
}

async fn what_tells_something_else_keeps_its_own_words(db: &Db) {
    let tenant = Tenant::new(db).await;
    let (first, second) = (json!({"x": 1}), json!({"x": 2}));
    write(db, &tenant, vec![NewEvent::new(EventKind::SessionStatus, &first), NewEvent::new(EventKind::SessionQr, &second)]).await;
    // Two statuses that say the same are two steps.
    write(db, &tenant, NewEvent::each(vec![EventKind::SessionStatus; 2], &first)).await;
    let rows = log(db, &tenant).await;
    assert_eq!(rows.len(), 4);
    assert_eq!(kept(db, &rows).await, rows.iter().map(|row| row.data.clone()).collect::<Vec<_>>());
}

async fn a_page_is_as_large_as_what_is_read_and_not_as_what_is_kept(db: &Db) {
    let tenant = Tenant::new(db).await;
    write(db, &tenant, step(&"y".repeat(limits::PAGE_BYTES * 3 / 5))).await;
    let first = page(db, &tenant, 0).await;
    assert_eq!((first.rows.len(), first.more), (1, true));
    let second = page(db, &tenant, first.position).await;
    assert_eq!((second.rows.len(), second.more), (1, false));
    assert_eq!(first.rows[0].data, second.rows[0].data);
}

/// A webhook that wants those kinds.
async fn wants(db: &Db, tenant: &Tenant, kinds: &[EventKind]) -> WebhookRow {
    let (hook, kinds) = (webhook(db, tenant).await, kinds.to_vec());
    let change = Arc::new(move |row: &mut WebhookRow| row.kinds.clone_from(&kinds));
    db.store.change_webhook(&tenant.account, &hook.id, change).await.unwrap().unwrap()
}

async fn a_webhook_is_handed_the_whole_under_the_umbrella(db: &Db) {
    let tenant = Tenant::new(db).await;
    let hook = wants(db, &tenant, &[EventKind::SessionStatus]).await;
    write(db, &tenant, step("whole")).await;
    let rows = log(db, &tenant).await;
    let due = db.store.due_deliveries(hook.number, NOW, 0, 10, 0).await.unwrap().readable;
    let handed: Vec<_> = due.into_iter().map(|delivery| delivery.event).collect();
    assert_eq!(handed, rows[..1]);
    assert_eq!(handed[0].data, r#"{"x":"whole"}"#);
    let listed = db.store.list_deliveries(&hook, None, ALL).await.unwrap().rows;
    assert_eq!(listed.into_iter().map(|delivery| delivery.event).collect::<Vec<_>>(), handed);
    let found = db.store.find_delivery(&hook, &handed[0].id).await.unwrap().unwrap();
    assert_eq!(found.event, handed[0]);
}

/// Everything that the log still has can be read.
async fn is_whole(db: &Db, tenant: &Tenant) -> usize {
    let rows = log(db, tenant).await;
    let there = db.ints(&format!("SELECT COUNT(*) FROM events WHERE {}", db.of_account(&tenant.account))).await[0];
    assert_eq!(i64::try_from(rows.len()), Ok(there), "one that tells nothing is passed over");
    assert!(rows.iter().all(|row| row.data.starts_with('{')), "{rows:?}");
    assert_eq!(unreadable(db).await, Vec::<String>::new());
    rows.len()
}

async fn wherever_the_log_is_cut_what_is_left_can_be_read(db: &Db) {
    let tenant = Tenant::new(db).await;
    let hook = wants(db, &tenant, &[EventKind::SessionStatus, EventKind::SessionConnected]).await;
    for words in ["one", "two", "three"] {
        write(db, &tenant, step(words)).await;
    }
    let whose = DueWebhook { number: hook.number, account: tenant.account.clone() };
    let due = db.store.due_deliveries(hook.number, NOW, 0, 10, 0).await.unwrap().readable;
    assert_eq!(due.len(), 6);
    // What is owed stays, with all behind it: each place in turn is the oldest.
    for (place, delivery) in due.iter().enumerate() {
        db.store.expire_events(&tenant.account, Timestamp::from_millis(i64::MAX / 2)).await.unwrap();
        assert_eq!(is_whole(db, &tenant).await, due.len() - place);
        let attempt = Some(Attempt { at: NOW, duration_ms: 1, http_status: Some(200), reason: None, answer: None });
        let record = TryRecord { event: delivery.event.number, state: DeliveryStatus::Delivered, next_at: NOW, tries: 1, attempt };
        db.store.record_tries(&whose, vec![record], Health::AsBefore, NOW).await.unwrap();
    }
}

async fn an_account_that_is_deleted_is_cut_between_the_two_as_well(db: &Db) {
    let tenant = Tenant::new(db).await;
    // One by itself: then no cut after an even number is between two steps.
    write(db, &tenant, vec![NewEvent::new(EventKind::SessionQr, &json!({}))]).await;
    for _ in 0..150 {
        write(db, &tenant, step("again")).await;
    }
    db.store.begin_erasure(&tenant.account, NOW).await.unwrap().unwrap();
    assert_eq!(db.store.erase_some(&tenant.account).await.unwrap(), 200);
    assert_eq!(is_whole(db, &tenant).await, 101);
    assert_eq!(log(db, &tenant).await[0].kind, EventKind::SessionConnected, "the first of the two went alone");
}

async fn what_nobody_tells_any_more_is_found_and_passed_over(db: &Db) {
    let tenant = Tenant::new(db).await;
    write(db, &tenant, step("gone")).await;
    write(db, &tenant, step("there")).await;
    let rows = log(db, &tenant).await;
    // No release does that: it is the first one that goes first.
    db.execute(&format!("DELETE FROM events WHERE number = {}", rows[1].number)).await;
    let lost = if db.is_sqlite() { vec![rows[0].id.to_string()] } else { Vec::new() };
    assert_eq!(unreadable(db).await, lost);
    let left = log(db, &tenant).await;
    assert_eq!(left[left.len() - 2..], rows[2..], "whoever follows the log goes on");
    assert_eq!(left.len(), rows.len() - 1 - lost.len());
}
