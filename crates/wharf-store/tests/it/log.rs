use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use wharf_api::Timestamp;
use wharf_api::ids::{EventId, SessionId};
use wharf_api::types::event::EventKind;
use wharf_api::types::session::SessionStatus;
use wharf_core::store::{
    EventFilter, EventRow, EventStore, Fence, LinkChange, MessageStore, NewEvent, OwnerStore, Receipt, ReceiptKind, SessionStore,
};
use wharf_store::SqlStore;

use crate::harness::{Db, both_backends};
use crate::tenant::{NOW, Tenant, chance, session};

both_backends!(
    a_reader_that_follows_the_log_under_load_has_every_event_once_and_each_session_in_order,
    a_filter_leaves_out_and_the_position_moves_past_it,
    what_is_rare_is_found_at_one_look_however_much_stands_between,
    much_that_is_rare_is_passed_over_look_by_look,
    nobody_reads_the_log_of_another_account,
    a_look_ends_where_a_megabyte_is_full_and_the_next_goes_on_there,
    the_oldest_events_go_by_the_time_of_their_writing_and_nothing_younger,
    the_days_messages_give_a_warning_at_80_and_at_100_per_cent_once,
);

fn everything() -> EventFilter {
    EventFilter::default()
}

/// Events of one session, written as its link does.
async fn link(store: &SqlStore, fence: &Fence, kinds: &[EventKind]) {
    write(store, fence, kinds.iter().map(|kind| NewEvent::new(*kind, &json!({"k": kind.as_str()}))).collect()).await;
}

async fn write(store: &SqlStore, fence: &Fence, events: Vec<NewEvent>) {
    let status = SessionStatus::Connected;
    let change = LinkChange { status, reason: None, refusal: None, jid: None, lid: None, push_name: None, unlink: false, at: NOW, events };
    store.record_link(fence, &change).await.unwrap();
}

async fn read_all(store: &SqlStore, tenant: &Tenant, filter: &EventFilter) -> Vec<EventRow> {
    let (mut after, mut rows) = (0, Vec::new());
    loop {
        let page = store.list_events(&tenant.account, filter, after, 3).await.unwrap();
        (after, rows) = (page.position, [rows, page.rows].concat());
        if !page.more && !page.behind {
            return rows;
        }
    }
}

async fn a_look_ends_where_a_megabyte_is_full_and_the_next_goes_on_there(db: &Db) {
    let tenant = Tenant::new(db).await;
    for (kind, kilobytes) in
        [(EventKind::SessionQr, 400), (EventKind::SessionStatus, 1), (EventKind::SessionQr, 2000), (EventKind::SessionQr, 400)]
    {
        write(&db.store, &tenant.fence, vec![NewEvent::new(kind, &json!({"x": "y".repeat(kilobytes * 1024)}))]).await;
    }
    let only = EventFilter { kinds: vec![EventKind::SessionQr], ..EventFilter::default() };
    for (filter, wanted) in [(everything(), [2, 1, 1].as_slice()), (only, &[1, 1, 1])] {
        let (mut after, mut rows) = (0, Vec::new());
        loop {
            let page = db.store.list_events(&tenant.account, &filter, after, 10).await.unwrap();
            rows.push(page.rows.len());
            after = page.position;
            if !page.more {
                break;
            }
        }
        assert_eq!(rows, wanted);
    }
}

async fn a_reader_that_follows_the_log_under_load_has_every_event_once_and_each_session_in_order(db: &Db) {
    let tenant = Tenant::new(db).await;
    let second = db.second().await;
    let stores: Vec<Arc<SqlStore>> = [Some(Arc::clone(&db.store)), second].into_iter().flatten().collect();
    let mut fences = vec![tenant.fence.clone()];
    for _ in 0..5 {
        let id = session(db, &tenant.account).await;
        fences.push(db.store.take_session(&id, "node", NOW).await.unwrap().unwrap());
    }
    let stores = &stores;
    let writing = join_all(fences.iter().enumerate().map(|(place, fence)| async move {
        for round in 0..21 {
            link(&stores[(place + round) % stores.len()], fence, &[EventKind::SessionStatus; 3][..=(round % 3)]).await;
        }
    }));
    let expected = fences.len() * (7 + 2 * 7 + 3 * 7);
    let reading = async {
        let (mut after, mut seen) = (0, Vec::new());
        while seen.len() < expected {
            let page = stores[0].list_events(&tenant.account, &everything(), after, 7).await.unwrap();
            after = page.position;
            seen.extend(page.rows);
        }
        seen
    };
    let (_, seen) = tokio::join!(writing, tokio::time::timeout(Duration::from_secs(30), reading));
    let seen = seen.expect("an event was passed over");
    let mut sequences: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for row in &seen {
        sequences.entry(row.session.as_ref().map_or_else(String::new, ToString::to_string)).or_default().push(row.sequence);
    }
    assert_eq!(sequences.len(), fences.len());
    for (session, numbers) in sequences {
        assert_eq!(numbers, (1..).take(numbers.len()).collect::<Vec<i64>>(), "{session}");
    }
    for store in &stores[1..] {
        store.close().await;
    }
}

/// How a process of Wharf says that it is about to draw numbers of events.
const WRITES_EVENTS: &str = "SELECT pg_advisory_xact_lock_shared(1463898694, 1)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strangers_open_transaction_on_the_log_holds_up_nobody_who_reads_it() {
    let db = Db::postgres().await;
    let tenant = Tenant::new(&db).await;
    let mut admin = PgConnection::connect(&db.url).await.unwrap();
    sqlx::raw_sql("BEGIN; DELETE FROM events WHERE false").execute(&mut admin).await.unwrap();
    for number in 1..=3 {
        link(&db.store, &tenant.fence, &[EventKind::SessionStatus]).await;
        let page = db.store.list_events(&tenant.account, &everything(), 0, 10).await.unwrap();
        assert_eq!((page.rows.len(), page.behind), (number, false));
        assert_eq!(db.store.latest_event(&tenant.account).await.unwrap(), page.position);
    }
    sqlx::raw_sql("COMMIT").execute(&mut admin).await.unwrap();
    db.finish().await;
}

/// The trap that numbers set on PostgreSQL, sprung on purpose: 9 is drawn and not committed while 10 is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_commits_after_a_later_number_is_not_passed_over() {
    let db = Db::postgres().await;
    let tenant = Tenant::new(&db).await;
    link(&db.store, &tenant.fence, &[EventKind::SessionQr]).await;
    assert_eq!(read_all(&db.store, &tenant, &everything()).await.len(), 1);
    let (slow, fast) = (session(&db, &tenant.account).await, &tenant.fence);
    let mut other = PgConnection::connect(&db.url).await.unwrap();
    let id = chance().event_id();
    let open = format!(
        "BEGIN; UPDATE sessions SET event_sequence = 1 WHERE id = '{slow}'; {WRITES_EVENTS}; \
         INSERT INTO events (id, account_id, session_id, sequence, kind, at, data) \
         VALUES ('{id}', '{}', '{slow}', 1, 'session.status', 1, '{{}}')",
        tenant.account
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(open)).execute(&mut other).await.unwrap();
    link(&db.store, fast, &[EventKind::SessionConnected]).await;

    let page = db.store.list_events(&tenant.account, &everything(), 0, 10).await.unwrap();
    let seen: Vec<_> = page.rows.iter().map(|row| row.kind).collect();
    assert_eq!((seen.as_slice(), page.behind), ([EventKind::SessionQr].as_slice(), true), "the later one waits");
    assert_eq!(db.store.latest_event(&tenant.account).await.unwrap(), page.position, "who begins now begins before the gap");

    sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
    let rest = db.store.list_events(&tenant.account, &everything(), page.position, 10).await.unwrap();
    let seen: Vec<_> = rest.rows.iter().map(|row| row.kind).collect();
    assert_eq!(seen, [EventKind::SessionStatus, EventKind::SessionConnected]);
    assert_eq!(rest.rows[0].id, id);
    db.finish().await;
}

async fn a_filter_leaves_out_and_the_position_moves_past_it(db: &Db) {
    let tenant = Tenant::new(db).await;
    let other = session(db, &tenant.account).await;
    let fence = db.store.take_session(&other, "node", NOW).await.unwrap().unwrap();
    link(&db.store, &tenant.fence, &[EventKind::SessionQr, EventKind::SessionStatus]).await;
    link(&db.store, &fence, &[EventKind::SessionQr, EventKind::SessionStatus, EventKind::SessionConnected]).await;
    let filter = |session: Option<&SessionId>, sessions: Option<Vec<SessionId>>, kinds: &[EventKind]| EventFilter {
        session: session.cloned(),
        sessions,
        kinds: kinds.to_vec(),
        each_step: false,
    };
    for (filter, count) in [
        (everything(), 5),
        (filter(Some(&other), None, &[]), 3),
        (filter(None, None, &[EventKind::SessionStatus]), 2),
        (filter(Some(&other), None, &[EventKind::SessionStatus, EventKind::SessionQr]), 2),
        (filter(None, Some(vec![tenant.session.clone()]), &[]), 2),
        (filter(None, Some(vec![]), &[]), 0),
        (filter(Some(&other), Some(vec![tenant.session.clone()]), &[]), 0),
    ] {
        assert_eq!(read_all(&db.store, &tenant, &filter).await.len(), count, "{filter:?}");
    }
    let latest = db.store.latest_event(&tenant.account).await.unwrap();
    let none = db.store.list_events(&tenant.account, &filter(None, Some(vec![]), &[]), 0, 10).await.unwrap();
    assert_eq!((none.rows.len(), none.position), (0, latest), "what was left out need not be looked at again");
    let shown = &read_all(&db.store, &tenant, &everything()).await[0];
    assert_eq!((shown.sequence, shown.at, shown.data.as_str()), (1, NOW, r#"{"k":"session.qr"}"#));
    assert_eq!(db.store.event_number(&tenant.account, &shown.id).await.unwrap(), Some(shown.number));
}

/// Events of a kind, as many as that.
async fn many(db: &Db, tenant: &Tenant, kind: EventKind, count: usize) {
    let numbers = format!("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})");
    let (account, session, kind) = (&tenant.account, &tenant.session, kind.as_str());
    let rows = if db.is_sqlite() {
        format!(
            "INSERT INTO events (account, session, sequence, kind, at, data) \
             SELECT a.number, s.number, 1000 + i, '{kind}', 1, '{{}}' FROM n, accounts a, sessions s WHERE a.id = '{account}' AND s.id = '{session}'"
        )
    } else {
        let id = chance().event_id();
        format!(
            "INSERT INTO events (id, account_id, session_id, sequence, kind, at, data) \
             SELECT SUBSTR('{id}', 1, 26) || (1000000000 + i), '{account}', '{session}', 1000 + i, '{kind}', 1, '{{}}' FROM n"
        )
    };
    db.execute(&format!("{numbers} {rows}")).await;
}

async fn what_is_rare_is_found_at_one_look_however_much_stands_between(db: &Db) {
    let tenant = Tenant::new(db).await;
    let other = session(db, &tenant.account).await;
    let fence = db.store.take_session(&other, "node", NOW).await.unwrap().unwrap();
    link(&db.store, &tenant.fence, &[EventKind::SessionQr]).await;
    many(db, &tenant, EventKind::MessageDelivered, 2_500).await;
    link(&db.store, &fence, &[EventKind::SessionStatus, EventKind::SessionQr]).await;
    many(db, &tenant, EventKind::MessageReceived, 2_500).await;
    let latest = db.store.latest_event(&tenant.account).await.unwrap();
    let of = |kinds: &[EventKind]| EventFilter { kinds: kinds.to_vec(), ..EventFilter::default() };
    let codes = of(&[EventKind::SessionQr, EventKind::MessageFailed]);
    let page = db.store.list_events(&tenant.account, &codes, 0, 10).await.unwrap();
    assert_eq!((page.rows.len(), page.position, page.more), (2, latest, false));
    let after_first = db.store.list_events(&tenant.account, &codes, page.rows[0].number, 10).await.unwrap();
    assert_eq!(after_first.rows, page.rows[1..]);
    let first = db.store.list_events(&tenant.account, &codes, 0, 1).await.unwrap();
    assert_eq!((first.rows.as_slice(), first.position, first.more), (&page.rows[..1], page.rows[0].number, true));

    let of_session = EventFilter { session: Some(other.clone()), ..codes.clone() };
    let bound = EventFilter { sessions: Some(vec![other.clone()]), ..codes.clone() };
    let once = EventFilter { each_step: true, ..of(&[EventKind::SessionStatus, EventKind::SessionQr]) };
    for (filter, count) in [(of_session, 1), (bound, 1), (once, 2), (of(&[EventKind::MessageFailed]), 0)] {
        let page = db.store.list_events(&tenant.account, &filter, 0, 10).await.unwrap();
        assert_eq!((page.rows.len(), page.position, page.more), (count, latest, false), "{filter:?}");
    }
    let mixed = of(&[EventKind::SessionQr, EventKind::MessageRead]);
    assert_eq!(read_all(&db.store, &tenant, &mixed).await.len(), 2, "one that is not rare is looked for in the whole log");

    link(&db.store, &tenant.fence, &[EventKind::SessionQr]).await;
    let news = db.store.list_events(&tenant.account, &codes, latest, 10).await.unwrap();
    assert_eq!((news.rows.len(), news.more), (1, false), "what comes later is not passed");
    let ahead = db.store.list_events(&tenant.account, &codes, news.position + 5, 10).await.unwrap();
    assert_eq!((ahead.rows.len(), ahead.position), (0, news.position + 5), "nobody is led back");
}

async fn much_that_is_rare_is_passed_over_look_by_look(db: &Db) {
    let tenant = Tenant::new(db).await;
    many(db, &tenant, EventKind::CallReceived, 1_500).await;
    link(&db.store, &tenant.fence, &[EventKind::SessionQr]).await;
    let codes = EventFilter { kinds: vec![EventKind::SessionQr], ..EventFilter::default() };
    let page = db.store.list_events(&tenant.account, &codes, 0, 10).await.unwrap();
    assert_eq!((page.rows.len(), page.more), (0, true));
    assert!(page.position < db.store.latest_event(&tenant.account).await.unwrap());
    assert_eq!(read_all(&db.store, &tenant, &codes).await.len(), 1);
}

async fn nobody_reads_the_log_of_another_account(db: &Db) {
    let (mine, theirs) = (Tenant::new(db).await, Tenant::new(db).await);
    link(&db.store, &theirs.fence, &[EventKind::SessionQr]).await;
    assert!(read_all(&db.store, &mine, &everything()).await.is_empty());
    let id = &read_all(&db.store, &theirs, &everything()).await[0].id;
    assert_eq!(db.store.event_number(&mine.account, id).await.unwrap(), None);
    db.store.expire_events(&mine.account, Timestamp::from_millis(i64::MAX / 2)).await.unwrap();
    assert_eq!(read_all(&db.store, &theirs, &everything()).await.len(), 1);
}

async fn the_oldest_events_go_by_the_time_of_their_writing_and_nothing_younger(db: &Db) {
    let tenant = Tenant::new(db).await;
    let now = || Timestamp::from_millis(i64::try_from(written(&chance().event_id())).unwrap());
    for _ in 0..600 {
        link(&db.store, &tenant.fence, &[EventKind::SessionQr]).await;
    }
    let line = now();
    while now() == line {
        tokio::task::yield_now().await;
    }
    // A receipt from the backlog: old by its own time, written now.
    let row = tenant.send(db, "x").await;
    let receipt = Receipt { kind: ReceiptKind::Read, wa_ids: vec![row.wa_id], at: Timestamp::from_millis(1) };
    db.store.record_receipt(&tenant.fence, &receipt).await.unwrap();
    let dropped = db.store.expire_events(&tenant.account, line.plus_millis(1)).await.unwrap();
    assert_eq!(dropped, 600);
    let left = read_all(&db.store, &tenant, &everything()).await;
    assert!(left.len() > 3 && left[0].sequence == 601, "{left:?}");
    assert_eq!(db.store.expire_events(&tenant.account, line.plus_millis(1)).await.unwrap(), 0);
    db.store.expire_events(&tenant.account, now().plus_millis(1_000)).await.unwrap();
    assert!(read_all(&db.store, &tenant, &everything()).await.is_empty());
}

/// The time in an id.
fn written(id: &EventId) -> u64 {
    u64::from_str_radix(&id.as_str()[4..16], 16).unwrap()
}

async fn the_days_messages_give_a_warning_at_80_and_at_100_per_cent_once(db: &Db) {
    let tenant = Tenant::new(db).await;
    let filter = EventFilter { kinds: vec![EventKind::UsageWarning], ..everything() };
    for number in 1..=12_u64 {
        let mut message = tenant.outgoing("x");
        message.daily_limit = Some(10);
        db.store.accept_message(&message).await.unwrap();
        let warnings = read_all(&db.store, &tenant, &filter).await;
        let due = usize::from(number >= 8) + usize::from(number >= 10);
        assert_eq!(warnings.len(), due, "after {number}");
    }
    let warnings = read_all(&db.store, &tenant, &filter).await;
    let data: Vec<serde_json::Value> = warnings.iter().map(|row| serde_json::from_str(&row.data).unwrap()).collect();
    assert_eq!((&data[0]["percent"], &data[0]["used"], &data[0]["limit"]), (&json!(80), &json!(8), &json!(10)));
    assert_eq!(data[1]["percent"], 100);
    assert_eq!(warnings.iter().map(|row| (row.session.clone(), row.sequence)).collect::<Vec<_>>(), [(None, 1), (None, 2)]);
    let mut tomorrow = tenant.outgoing("x");
    (tomorrow.daily_limit, tomorrow.row.created_at) = (Some(1), NOW.next_utc_day());
    db.store.accept_message(&tomorrow).await.unwrap();
    assert_eq!(read_all(&db.store, &tenant, &filter).await.len(), 4, "another day, another warning");
}
