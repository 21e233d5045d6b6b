//! Group commit: what writes that share a commit may not do to each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt;
use futures::future::join_all;
use wharf_api::Permission;
use wharf_api::ids::Uuid;
use wharf_core::Chance;
use wharf_core::chance::SystemChance;
use wharf_core::store::{
    Accepted, AccountStore, DatabaseStore, Error, Fence, KeyRow, KeyStore, MessageStore, NewMessage, SessionStore, VaultOp, VaultStore,
};
use wharf_store::open;

use crate::harness::{Db, both_backends, config, execute_postgres};
use crate::owed::webhook;
use crate::tenant::{ALL, NOW, Tenant, chance, sent};

both_backends!(
    a_failing_write_does_not_harm_those_of_its_group,
    a_write_that_panics_is_answered_and_the_lane_goes_on,
    a_dropped_caller_leaves_its_write_whole_or_undone,
    closing_carries_out_what_was_queued_and_refuses_the_rest,
    the_store_finds_back_by_itself_after_its_connections_were_cut,
    a_connection_from_before_a_fail_over_ended_is_let_go,
    writes_of_many_statements_do_not_all_share_one_commit,
    writes_that_share_a_commit_number_and_count_without_a_gap,
    a_session_deleted_within_a_commit_sends_nothing_that_came_after,
    events_of_writes_that_share_a_commit_are_delivered_in_their_order,
    a_message_that_cannot_be_stored_is_refused_alone_among_those_of_its_group,
    a_write_whose_owner_is_gone_is_refused_alone_among_those_of_its_group,
);

/// Ends the connections of all others to this database.
const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";

fn key(tenant: &Tenant) -> KeyRow {
    KeyRow {
        id: chance().key_id(),
        account: tenant.account.clone(),
        name: "k".to_owned(),
        secret_hash: vec![1],
        permissions: vec![Permission::AccountRead],
        sessions: None,
        operator: false,
        created_at: NOW,
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    }
}

async fn a_failing_write_does_not_harm_those_of_its_group(db: &Db) {
    let tenant = Tenant::new(db).await;
    let taken = key(&tenant);
    db.store.insert_key(&taken).await.unwrap();
    // Every third key has an id that is taken: its statement fails, on PostgreSQL with the whole transaction.
    let keys: Vec<KeyRow> = (0..60).map(|place| if place % 3 == 0 { taken.clone() } else { key(&tenant) }).collect();
    let results = join_all(keys.iter().map(|key| db.store.insert_key(key))).await;
    for (place, result) in results.iter().enumerate() {
        match result {
            Ok(()) => assert_ne!(place % 3, 0),
            Err(Error::Refused(_)) => assert_eq!(place % 3, 0),
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(db.store.list_keys(&tenant.account, ALL).await.unwrap().rows.len(), 41);
}

/// Panics where an event's id is drawn, in the middle of a write, while it is told to.
struct Trap(AtomicBool);

impl Chance for Trap {
    fn fill(&self, bytes: &mut [u8]) {
        SystemChance.fill(bytes);
    }

    fn uuid(&self) -> Uuid {
        assert!(!self.0.load(Ordering::SeqCst), "a trap for the test: this panic is wanted");
        SystemChance.uuid()
    }
}

async fn a_write_that_panics_is_answered_and_the_lane_goes_on(db: &Db) {
    let tenant = Tenant::new(db).await;
    db.store.close().await;
    let trap = Arc::new(Trap(AtomicBool::new(true)));
    let mut config = config(&db.url);
    config.chance = Arc::<Trap>::clone(&trap);
    config.lanes = Some(1);
    let store = open(config).await.unwrap();
    let messages: Vec<_> = (0..10).map(|_| tenant.outgoing("x")).collect();
    let keys: Vec<_> = (0..10).map(|_| key(&tenant)).collect();
    let sends = messages.iter().map(|message| store.accept_message(message).map(|result| result.map(drop)).boxed());
    let inserts = keys.iter().map(|key| store.insert_key(key).boxed());
    let mixed: Vec<_> = sends.zip(inserts).flat_map(|(send, insert)| [send, insert]).collect();
    for (place, result) in join_all(mixed).await.into_iter().enumerate() {
        match place % 2 {
            0 => assert!(matches!(result, Err(Error::Corrupt(_))), "{result:?}"),
            _ => result.unwrap(),
        }
    }
    assert_eq!(db.ints("SELECT COUNT(*) FROM messages").await, [0]);
    assert_eq!(db.ints("SELECT COUNT(*) FROM usage").await, [0]);
    assert_eq!(store.list_keys(&tenant.account, ALL).await.unwrap().rows.len(), 10);
    trap.0.store(false, Ordering::SeqCst);
    assert_eq!(store.accept_message(&messages[0]).await.unwrap(), Accepted::Now);
    store.close().await;
}

async fn a_dropped_caller_leaves_its_write_whole_or_undone(db: &Db) {
    let tenant = Tenant::new(db).await;
    for _ in 0..40 {
        let message = tenant.outgoing("x");
        // Polled once: the write is on its way, and nobody waits for it any more.
        assert!(db.store.accept_message(&message).now_or_never().is_none());
    }
    tenant.send(db, "after them all").await;
    let count = db.ints("SELECT COUNT(*) FROM messages").await[0];
    assert!(count >= 1);
    for table in ["outgoing", "events"] {
        assert_eq!(db.ints(&format!("SELECT COUNT(*) FROM {table}")).await, [count]);
    }
    assert_eq!(db.ints("SELECT messages FROM usage").await, [count]);
    assert_eq!(db.ints("SELECT event_sequence FROM sessions").await, [count]);
}

async fn closing_carries_out_what_was_queued_and_refuses_the_rest(db: &Db) {
    let tenant = Tenant::new(db).await;
    let messages: Vec<_> = (0..50).map(|_| tenant.outgoing("x")).collect();
    let mut sends: Vec<_> = messages.iter().map(|message| db.store.accept_message(message)).collect();
    for send in &mut sends {
        assert!(send.now_or_never().is_none());
    }
    let (results, ()) = tokio::join!(join_all(sends), db.store.close());
    assert!(results.into_iter().all(|result| matches!(result, Ok(Accepted::Now))));
    assert_eq!(db.ints("SELECT COUNT(*) FROM messages").await, [50]);
    let late = db.store.accept_message(&tenant.outgoing("late")).await;
    assert!(matches!(late, Err(Error::Unavailable(_))), "{late:?}");
    let late = db.store.ping().await;
    assert!(matches!(late, Err(Error::Unavailable(_))), "{late:?}");
}

async fn the_store_finds_back_by_itself_after_its_connections_were_cut(db: &Db) {
    if db.is_sqlite() {
        return;
    }
    let tenant = Tenant::new(db).await;
    join_all((0..9).map(|_| db.store.ping())).await;
    execute_postgres(&db.url, CUT).await;
    // A read is repeated on a fresh connection. A write is not: whether it was committed is not known.
    db.store.ping().await.unwrap();
    assert!(db.store.find_account(&tenant.account).await.unwrap().is_some());
    let results = join_all((0..2).map(|_| async {
        match db.store.accept_message(&tenant.outgoing("x")).await {
            Ok(accepted) => assert_eq!(accepted, Accepted::Now),
            Err(Error::Unavailable(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }));
    results.await;
    tenant.send(db, "the lane has a new connection").await;
}

async fn a_connection_from_before_a_fail_over_ended_is_let_go(db: &Db) {
    if db.is_sqlite() {
        return;
    }
    let tenant = Tenant::new(db).await;
    let set = |what: &str| {
        format!("BEGIN READ WRITE; DO $$ BEGIN EXECUTE format('ALTER DATABASE %I {what}', current_database()); END $$; COMMIT")
    };
    execute_postgres(&db.url, &set("SET default_transaction_read_only = on")).await;
    execute_postgres(&db.url, CUT).await;
    // The first finds its connection cut; the last has one that takes no writes.
    for _ in 0..4 {
        let refused = db.store.accept_message(&tenant.outgoing("x")).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    }
    execute_postgres(&db.url, &set("RESET default_transaction_read_only")).await;
    assert_eq!(db.store.accept_message(&tenant.outgoing("x")).await.unwrap(), Accepted::Now);
}

async fn writes_of_many_statements_do_not_all_share_one_commit(db: &Db) {
    if db.is_sqlite() {
        // A statement there costs no way to a server.
        return;
    }
    let tenant = Tenant::new(db).await;
    let mut config = config(&db.url);
    config.lanes = Some(1);
    let meter = Arc::clone(&config.meter);
    let store = open(config).await.unwrap();
    let batches: Vec<Vec<_>> =
        (0..24).map(|batch| (0..40).map(|row| tenant.incoming("1@lid", &format!("{batch} {row}"))).collect()).collect();
    let before = meter.writes.commit_writes.read().count;
    let stored = join_all(batches.iter().map(|batch| store.record_inbound(&tenant.fence, batch))).await;
    assert!(stored.into_iter().all(|stored| stored.unwrap().inserted.len() == 40));
    // 960 rows of at least one statement each, some 400 in a commit.
    let commits = meter.writes.commit_writes.read().count - before;
    assert!(commits >= 3, "{commits}");
    store.close().await;
}

async fn writes_that_share_a_commit_number_and_count_without_a_gap(db: &Db) {
    let (tenant, other) = (Tenant::new(db).await, Tenant::new(db).await);
    let messages: Vec<NewMessage> = (0..60)
        .map(|place| {
            let of = if place % 4 == 3 { &other } else { &tenant };
            NewMessage { daily_limit: (place % 2 == 1).then_some(60), ..of.outgoing("x") }
        })
        .collect();
    let keys: Vec<_> = (0..10).map(|_| key(&tenant)).collect();
    let (accepted, keyed) = tokio::join!(
        join_all(messages.iter().map(|message| db.store.accept_message(message))),
        join_all(keys.iter().map(|key| db.store.insert_key(key))),
    );
    assert!(accepted.iter().all(|result| matches!(result, Ok(Accepted::Now))), "{accepted:?}");
    assert!(keyed.into_iter().all(|result| result.is_ok()));
    for (of, count) in [(&tenant, 45), (&other, 15)] {
        let id = of.session.as_str();
        let of_session = db.of_session(&of.session);
        let kind = db.kind();
        let sql = format!("SELECT sequence FROM events WHERE {of_session} AND {kind} = 'message.status' ORDER BY number");
        assert_eq!(db.ints(&sql).await, (1..=count).collect::<Vec<_>>());
        assert_eq!(db.ints(&format!("SELECT event_sequence FROM sessions WHERE id = '{id}'")).await, [count]);
        assert_eq!(db.ints(&format!("SELECT messages FROM usage WHERE account_id = '{}'", of.account.as_str())).await, [count]);
    }
}

async fn a_session_deleted_within_a_commit_sends_nothing_that_came_after(db: &Db) {
    for _ in 0..10 {
        let tenant = Tenant::new(db).await;
        let messages: Vec<NewMessage> = (0..20).map(|_| tenant.outgoing("x")).collect();
        let send = |message| async move { db.store.accept_message(message).await.map(drop) };
        let (before, deleted, after) = tokio::join!(
            join_all(messages[..10].iter().map(send)),
            db.store.delete_session(&tenant.account, &tenant.session),
            join_all(messages[10..].iter().map(send)),
        );
        assert!(before.into_iter().chain(after).all(|result| result.is_ok()));
        assert!(deleted.unwrap());
        assert!(db.store.find_session(&tenant.account, &tenant.session).await.unwrap().is_none());
        let sql = format!(
            "SELECT COUNT(*) FROM messages WHERE session_id = '{}' AND status = 'queued' AND expires_at > created_at",
            tenant.session.as_str()
        );
        assert_eq!(db.ints(&sql).await, [0]);
    }
}

async fn events_of_writes_that_share_a_commit_are_delivered_in_their_order(db: &Db) {
    let tenant = Tenant::new(db).await;
    let hook = webhook(db, &tenant).await;
    let messages: Vec<NewMessage> = (0..30).map(|_| tenant.outgoing("x")).collect();
    let accepted = join_all(messages.iter().map(|message| db.store.accept_message(message))).await;
    assert!(accepted.iter().all(|result| matches!(result, Ok(Accepted::Now))), "{accepted:?}");
    let ended: Vec<_> = messages.iter().map(|message| sent(&message.row.id)).collect();
    assert_eq!(db.store.record_outcomes(&tenant.fence, &ended).await.unwrap().len(), 30);
    let sequences = db.ints("SELECT sequence FROM events ORDER BY number").await;
    // One of the acceptance, two of what was sent.
    assert_eq!(sequences, (1..=90).collect::<Vec<_>>());
    let delivered = "SELECT e.sequence FROM deliveries d JOIN events e ON e.number = d.event ORDER BY d.event";
    // The star is for each step once.
    assert_eq!(db.ints(delivered).await.len(), 60);
    assert_eq!(db.ints("SELECT DISTINCT webhook FROM deliveries").await, [hook.number]);
    assert_eq!(db.ints("SELECT event_sequence FROM sessions").await, [90]);
}

async fn a_message_that_cannot_be_stored_is_refused_alone_among_those_of_its_group(db: &Db) {
    let tenant = Tenant::new(db).await;
    let mut messages: Vec<NewMessage> = (0..8).map(|_| tenant.outgoing("x")).collect();
    messages[3].payload = vec![0x00, 0x9f, 0xff];
    let taken = messages[2].row.wa_id.clone();
    messages[5].row.wa_id = taken;
    let accepted = join_all(messages.iter().map(|message| db.store.accept_message(message))).await;
    for (place, result) in accepted.iter().enumerate() {
        match result {
            Ok(Accepted::Now) => assert_ne!(place, 5),
            Err(Error::Refused(_)) => assert_eq!(place, 5, "{result:?}"),
            other => panic!("{place}: {other:?}"),
        }
    }
    let queued = db.store.queued_messages(&tenant.session, 0, 9).await.unwrap();
    let (ids, payloads): (Vec<_>, Vec<_>) = queued.into_iter().map(|(_, message)| (message.id, message.payload)).unzip();
    messages.remove(5);
    assert_eq!(ids, messages.iter().map(|message| message.row.id.clone()).collect::<Vec<_>>());
    assert_eq!(payloads, messages.iter().map(|message| message.payload.clone()).collect::<Vec<_>>());
    assert_eq!(db.ints("SELECT messages FROM usage").await, [7]);
    assert_eq!(db.ints("SELECT sequence FROM events ORDER BY number").await, (1..=7).collect::<Vec<_>>());
}

async fn a_write_whose_owner_is_gone_is_refused_alone_among_those_of_its_group(db: &Db) {
    let tenant = Tenant::new(db).await;
    let stale = Fence { epoch: tenant.fence.epoch - 1, ..tenant.fence.clone() };
    let put = |key: &str| vec![VaultOp::Put { space: "s", key: key.to_owned(), value: vec![1] }];
    let messages: Vec<NewMessage> = (0..8).map(|_| tenant.outgoing("x")).collect();
    let (accepted, refused, kept) = tokio::join!(
        join_all(messages.iter().map(|message| db.store.accept_message(message))),
        db.store.vault_apply(&stale, put("stale")),
        db.store.vault_apply(&tenant.fence, put("good")),
    );
    assert!(accepted.iter().all(|result| matches!(result, Ok(Accepted::Now))), "{accepted:?}");
    assert!(matches!(refused, Err(Error::Fenced)), "{refused:?}");
    kept.unwrap();
    assert_eq!(db.texts("SELECT key FROM vault").await, ["good"]);
    assert_eq!(db.ints("SELECT messages FROM usage").await, [8]);
    assert_eq!(db.ints("SELECT sequence FROM events ORDER BY number").await, (1..=8).collect::<Vec<_>>());
}
