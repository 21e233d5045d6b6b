//! The log of SQLite from before its rows were lean: nothing of it is lost, and what was known of it stays true.

use serde_json::json;
use wharf_api::Timestamp;
use wharf_api::ids::EventId;
use wharf_api::types::event::EventKind;
use wharf_api::types::session::SessionStatus;
use wharf_core::store::{EventFilter, EventStore, LinkChange, NewEvent, SessionStore, WebhookStore};
use wharf_store::open;

use crate::harness::{Db, config};
use crate::owed::webhook;
use crate::tenant::{ALL, NOW, Tenant, chance};

/// The log as the release before had it.
const AS_BEFORE: &str = "
    DROP TRIGGER originals_kept;
    DROP TABLE originals;
    DROP TRIGGER accounts_numbered;
    DROP INDEX accounts_by_number;
    ALTER TABLE accounts DROP COLUMN number;
    DELETE FROM meta WHERE name = 'event_ids';
    DROP TABLE events;
    CREATE TABLE events (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL,
        account_id TEXT NOT NULL,
        session_id TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        kind TEXT NOT NULL,
        at INTEGER NOT NULL,
        data TEXT NOT NULL,
        repeated INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX events_by_account ON events (account_id, number);
    CREATE UNIQUE INDEX events_by_id ON events (id);
    CREATE INDEX events_rare ON events ((account_id || ''), number) WHERE kind <> 'message.status';
    DELETE FROM _sqlx_migrations WHERE version >= 55;";

async fn status(db: &wharf_store::SqlStore, tenant: &Tenant) {
    let events = vec![NewEvent::new(EventKind::SessionStatus, &json!({"sessionId": tenant.session, "status": "connected"}))];
    let status = SessionStatus::Connected;
    let change = LinkChange { status, reason: None, refusal: None, jid: None, lid: None, push_name: None, unlink: false, at: NOW, events };
    db.record_link(&tenant.fence, &change).await.unwrap();
}

#[tokio::test]
async fn a_log_from_before_is_read_as_it_was_and_goes_on_behind_itself() {
    let db = Db::sqlite().await;
    let (tenant, other) = (Tenant::new(&db).await, Tenant::new(&db).await);
    let hook = webhook(&db, &tenant).await;
    db.store.close().await;
    let minute = |minutes: i64| NOW.plus_millis(minutes * 60_000);
    let id =
        |minutes: i64, place: u32| EventId::parse(&format!("{}{place:05}", &EventId::first_at(minute(minutes)).as_str()[..31])).unwrap();
    let (account, session) = (&tenant.account, &tenant.session);
    // The account's own, a step in two, and what came in from a day that was long over then.
    let rows = [
        (11, id(1, 1), account, "", 1, "usage.warning", minute(1), r#"{"percent":80}"#, 0),
        (12, id(2, 2), account, session.as_str(), 1, "message.status", minute(2), "", 1),
        (13, id(2, 3), account, session.as_str(), 2, "message.sent", minute(2), r#"{"status":"sent"}"#, 0),
        (14, id(3, 4), &other.account, other.session.as_str(), 1, "session.qr", minute(3), "{}", 0),
        (15, id(4, 5), account, session.as_str(), 3, "message.received", Timestamp::from_millis(1), r#"{"status":"received"}"#, 0),
    ];
    db.execute(AS_BEFORE).await;
    for (number, id, account, session, sequence, kind, at, data, repeated) in &rows {
        let at = at.as_millis();
        db.execute(&format!(
            "INSERT INTO events (number, id, account_id, session_id, sequence, kind, at, data, repeated) \
             VALUES ({number}, '{id}', '{account}', '{session}', {sequence}, '{kind}', {at}, '{data}', {repeated})"
        ))
        .await;
    }
    let hooked =
        format!("INSERT INTO deliveries (webhook, event, state, next_at, tries, log) VALUES ({}, 13, 'failed', 0, 1, '')", hook.number);
    db.execute(&format!("{hooked}; UPDATE sqlite_sequence SET seq = 40 WHERE name = 'events'; UPDATE sessions SET event_sequence = 3"))
        .await;

    let store = open(config(&db.url)).await.unwrap();
    let log = async |account| store.list_events(account, &EventFilter::default(), 0, 100).await.unwrap().rows;
    let read = log(account).await;
    let expected: Vec<_> = rows.iter().filter(|row| row.2 == account).map(|row| (row.0, row.1.clone(), row.4, row.6)).collect();
    assert_eq!(read.iter().map(|row| (row.number, row.id.clone(), row.sequence, row.at)).collect::<Vec<_>>(), expected);
    let told: Vec<_> = read.iter().map(|row| row.data.as_str()).collect();
    assert_eq!(told, [rows[0].7, rows[2].7, rows[2].7, rows[4].7]);
    assert_eq!(read.iter().map(|row| row.session.clone()).collect::<Vec<_>>()[..2], [None, Some(session.clone())]);
    assert_eq!(log(&other.account).await.len(), 1);
    for (number, id, of, ..) in &rows {
        let found = store.event_number(account, id).await.unwrap();
        assert_eq!(found, Some(*number).filter(|_| *of == account), "{id}");
    }
    assert_eq!(store.find_delivery(&hook, &id(2, 3)).await.unwrap().unwrap().event.number, 13);

    status(&store, &tenant).await;
    let newest = log(account).await.pop().unwrap();
    assert_eq!((newest.number, newest.sequence), (41, 4), "no number comes twice");
    assert_eq!(store.event_number(account, &newest.id).await.unwrap(), Some(41));
    assert_eq!(store.event_number(&other.account, &newest.id).await.unwrap(), None, "it is another account's");
    assert_eq!(store.list_deliveries(&hook, None, ALL).await.unwrap().rows.len(), 2);
    // By when they were written: what the last one of before tells is older than all others.
    assert_eq!(store.recover_deliveries(&hook, minute(4)).await.unwrap(), 2);
    assert_eq!(store.expire_events(account, minute(4)).await.unwrap(), 3);
    assert_eq!(log(account).await.iter().map(|row| row.number).collect::<Vec<_>>(), [15, 41]);
    let late = chance().account_id();
    assert!(wharf_core::store::AccountStore::insert_account(&*store, &late, "late", "enterprise", NOW).await.unwrap());
    assert_eq!(db.ints("SELECT COUNT(DISTINCT number) FROM accounts").await, [3]);
    store.close().await;
}
