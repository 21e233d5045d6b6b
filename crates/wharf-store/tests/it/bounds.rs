//! No write without a bound: long lists are stored where each statement takes five milliseconds, and nobody's backlog is one statement.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wharf_api::types::session::{DisconnectReason, SessionStatus};
use wharf_core::store::{
    ChatStore, Error, LinkChange, Member, MemberReceipt, MessageStore, Receipt, ReceiptKind, SessionStore, VaultOp, VaultStore,
};
use wharf_store::SqlStore;

use crate::harness::{Db, both_backends, config};
use crate::tenant::{NOW, Tenant, failed, sent};

both_backends!(
    a_queue_of_a_hundred_thousand_ends_with_its_link,
    a_queue_of_a_hundred_thousand_ends_with_its_session,
    a_write_of_too_many_statements_is_found_on_a_fast_database_too,
    changes_of_many_keys_keep_their_order,
    every_account_has_its_share_of_what_is_overdue_and_the_oldest_comes_first,
    an_overdue_row_that_cannot_be_read_holds_up_no_other,
);

/// The address of a PostgreSQL that takes five milliseconds for each answer.
async fn slow(db: &Db) -> String {
    let (credentials, rest) = db.url.split_once('@').unwrap();
    let (server, name) = rest.split_once('/').unwrap();
    let server = server.to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&server).await.unwrap();
            client.set_nodelay(true).unwrap();
            server.set_nodelay(true).unwrap();
            let ((mut from_client, mut to_client), (mut from_server, mut to_server)) = (client.into_split(), server.into_split());
            tokio::spawn(async move {
                let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
                let _ = to_server.shutdown().await;
            });
            tokio::spawn(async move {
                let mut bytes = vec![0; 64 * 1024];
                while let Ok(length @ 1..) = from_server.read(&mut bytes).await {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    if to_client.write_all(&bytes[..length]).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    format!("{credentials}@127.0.0.1:{port}/{name}")
}

/// A slow way to the database with one lane.
async fn slow_store(db: &Db) -> Arc<SqlStore> {
    wharf_store::open(wharf_store::Config { lanes: Some(1), ..config(&slow(db).await) }).await.unwrap()
}

fn puts(count: usize) -> Vec<VaultOp> {
    (0..count).map(|n| VaultOp::Put { space: "s", key: n.to_string(), value: vec![7; 200] }).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_database_takes_the_keys_of_a_group_of_a_thousand_in_one_commit() {
    let db = Db::postgres().await;
    let tenant = Tenant::new(&db).await;
    let store = wharf_store::open(config(&slow(&db).await)).await.unwrap();
    store.vault_apply(&tenant.fence, puts(3_000)).await.unwrap();
    assert_eq!(db.ints("SELECT COUNT(*) FROM vault").await, [3_000]);
    let gone = (0..3_000).map(|n: usize| VaultOp::Delete { space: "s", key: n.to_string() }).collect();
    store.vault_apply(&tenant.fence, gone).await.unwrap();
    assert_eq!(db.ints("SELECT COUNT(*) FROM vault").await, [0]);
    store.close().await;
    db.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_database_takes_the_receipts_of_a_thousand_members_and_devices() {
    let db = Db::postgres().await;
    let tenant = Tenant::new(&db).await;
    let row = tenant.send(&db, "to a group").await;
    let store = wharf_store::open(config(&slow(&db).await)).await.unwrap();
    let told = |n: usize| MemberReceipt {
        wa_id: row.wa_id.clone(),
        member: Member { id: format!("{n}@lid"), phone: None, lid: None },
        kind: ReceiptKind::Read,
        at: NOW,
    };
    let receipts: Vec<_> = (0..1_000).map(told).collect();
    store.record_member_receipts(&tenant.fence, &receipts).await.unwrap();
    assert_eq!(db.ints("SELECT COUNT(*) FROM message_receipts").await, [1_000]);
    let unknown: Vec<_> = (0..1_000).map(|n: usize| format!("3EB0{n}")).collect();
    assert_eq!(store.record_read_elsewhere(&tenant.fence, &unknown, NOW).await.unwrap(), unknown);
    store.close().await;
    db.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_database_takes_the_tries_ends_and_receipts_of_many_messages() {
    let db = Db::postgres().await;
    let tenant = Tenant::new(&db).await;
    let mut rows = Vec::new();
    for _ in 0..100 {
        rows.push(tenant.send(&db, "one of many").await);
    }
    let store = slow_store(&db).await;
    let ids: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
    // Five hundred statements.
    store.claim_messages(&tenant.fence, &[ids.as_slice(); 5].concat(), NOW).await.unwrap();
    assert_eq!(db.ints("SELECT DISTINCT attempts FROM outgoing").await, [5]);
    let ends: Vec<_> = ids.iter().map(sent).collect();
    assert_eq!(store.record_outcomes(&tenant.fence, &ends).await.unwrap(), ids);
    let receipt = Receipt { kind: ReceiptKind::Played, wa_ids: rows.iter().map(|row| row.wa_id.clone()).collect(), at: NOW };
    assert_eq!(store.record_receipt(&tenant.fence, &receipt).await.unwrap().len(), 100);
    store.close().await;
    db.finish().await;
}

async fn a_write_of_too_many_statements_is_found_on_a_fast_database_too(db: &Db) {
    let tenant = Tenant::new(db).await;
    let rows: Vec<_> = (0..450).map(|n| tenant.incoming("1@lid", &n.to_string())).collect();
    let stored = db.store.record_inbound(&tenant.fence, &rows).await;
    if db.is_sqlite() {
        // A statement there costs no way to a server.
        assert_eq!(stored.unwrap().inserted.len(), 450);
        return;
    }
    assert!(matches!(&stored, Err(Error::Refused(why)) if why.contains("400 statements")), "{stored:?}");
    assert_eq!(db.ints("SELECT COUNT(*) FROM messages").await, [0]);
    db.store.record_inbound(&tenant.fence, &rows[..32]).await.unwrap();
}

async fn changes_of_many_keys_keep_their_order(db: &Db) {
    let tenant = Tenant::new(db).await;
    let put = |key: usize, value: u8| VaultOp::Put { space: "s", key: key.to_string(), value: vec![value] };
    let delete = |key: usize| VaultOp::Delete { space: "s", key: key.to_string() };
    // More than fit into one statement, a key twice among them, and what was put is deleted and put again.
    let mut ops: Vec<_> = (0..100).map(|n| put(n, 1)).collect();
    ops.extend([put(5, 2), put(6, 2), put(5, 3)]);
    ops.extend((50..100).map(delete));
    ops.push(put(60, 4));
    db.store.vault_apply(&tenant.fence, ops).await.unwrap();
    assert_eq!(db.ints("SELECT COUNT(*) FROM vault").await, [51]);
    for (key, value) in [("0", 1), ("5", 3), ("6", 2), ("49", 1), ("60", 4)] {
        assert_eq!(db.store.vault_get(&tenant.session, "s", key).await.unwrap(), Some(vec![value]), "{key}");
    }
    assert_eq!(db.store.vault_get(&tenant.session, "s", "50").await.unwrap(), None);
}

/// A hundred thousand messages that wait, beside the one that is there.
async fn fill(db: &Db) {
    let numbers = if db.is_sqlite() {
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99999) SELECT i FROM n"
    } else {
        "SELECT i FROM generate_series(1, 99999) AS g(i)"
    };
    db.execute(&format!(
        "INSERT INTO messages (id, account_id, session_id, wa_id, direction, status, chat, chat_key, content, created_at, expires_at) \
         SELECT m.id || n.i, account_id, session_id, wa_id || n.i, direction, status, chat, chat_key, content, created_at, expires_at \
         FROM messages m, ({numbers}) n"
    ))
    .await;
}

const GIVEN_UP: &str = "SELECT COUNT(*) FROM messages WHERE status = 'queued' AND expires_at = created_at";

async fn a_queue_of_a_hundred_thousand_ends_with_its_link(db: &Db) {
    let tenant = Tenant::new(db).await;
    tenant.send(db, "waits").await;
    fill(db).await;
    let mut change = LinkChange {
        status: SessionStatus::Connected,
        reason: None,
        refusal: None,
        jid: Some("491701234567:1@s.whatsapp.net".to_owned()),
        lid: None,
        push_name: None,
        unlink: false,
        at: NOW,
        events: Vec::new(),
    };
    db.execute("UPDATE sessions SET jid = '491701234567:1@s.whatsapp.net'").await;
    db.store.record_link(&tenant.fence, &change).await.unwrap();
    assert_eq!(db.ints(GIVEN_UP).await, [0], "it is the same account");
    (change.jid, change.unlink) = (None, true);
    (change.status, change.reason) = (SessionStatus::Disconnected, Some(DisconnectReason::LoggedOut));
    db.store.record_link(&tenant.fence, &change).await.unwrap();
    assert_eq!(db.ints(GIVEN_UP).await, [100_000]);
}

async fn a_queue_of_a_hundred_thousand_ends_with_its_session(db: &Db) {
    let (tenant, stranger) = (Tenant::new(db).await, Tenant::new(db).await);
    tenant.send(db, "waits").await;
    fill(db).await;
    assert!(!db.store.delete_session(&stranger.account, &tenant.session).await.unwrap());
    assert_eq!(db.ints(GIVEN_UP).await, [0], "a stranger ends nothing");
    assert!(db.store.delete_session(&tenant.account, &tenant.session).await.unwrap());
    assert_eq!(db.ints(GIVEN_UP).await, [100_000]);
}

async fn every_account_has_its_share_of_what_is_overdue_and_the_oldest_comes_first(db: &Db) {
    let (busy, quiet) = (Tenant::new(db).await, Tenant::new(db).await);
    let mut sent = Vec::new();
    for (place, tenant) in [&busy, &busy, &busy, &quiet].into_iter().enumerate() {
        let mut message = tenant.outgoing("late");
        // The later it is accepted, the earlier it ends.
        message.expires_at = NOW.plus_millis(1_000 - i64::try_from(place).unwrap());
        db.store.accept_message(&message).await.unwrap();
        sent.push(message.row.id);
    }
    let shown = async |now, share| {
        let rows = db.store.overdue_messages(NOW.plus_millis(now), share).await.unwrap();
        let mut ids: Vec<_> = rows.into_iter().map(|overdue| overdue.row.id).collect();
        ids.sort();
        ids
    };
    let sorted = |places: &[usize]| {
        let mut ids: Vec<_> = places.iter().map(|place| sent[*place].clone()).collect();
        ids.sort();
        ids
    };
    assert_eq!(shown(1_000, 1).await, sorted(&[2, 3]));
    assert_eq!(shown(1_000, 2).await, sorted(&[1, 2, 3]));
    assert_eq!(shown(998, 9).await, sorted(&[2, 3]));
    assert!(shown(996, 9).await.is_empty());
}

async fn an_overdue_row_that_cannot_be_read_holds_up_no_other(db: &Db) {
    let (tenant, other) = (Tenant::new(db).await, Tenant::new(db).await);
    let (broken, whole) = (tenant.send(db, "a").await, tenant.send(db, "b").await);
    let beside = other.send(db, "c").await;
    db.execute(&format!("UPDATE messages SET content = '?' WHERE id = '{}'", broken.id.as_str())).await;
    // The share of one would be the broken row.
    for share in [1, 10] {
        let rows = db.store.overdue_messages(NOW.plus_millis(1_000), share).await.unwrap();
        let mut ids: Vec<_> = rows.into_iter().map(|overdue| overdue.row.id).collect();
        ids.sort();
        let mut wanted = vec![whole.id.clone(), beside.id.clone()];
        wanted.sort();
        assert_eq!(ids, wanted);
    }
    assert!(db.store.fail_message(&tenant.account, &failed(&whole.id)).await.unwrap());
    assert_eq!(db.store.overdue_messages(NOW.plus_millis(1_000), 1).await.unwrap().len(), 1);
}
