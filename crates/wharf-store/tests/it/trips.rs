//! How often PostgreSQL is asked for a group of writes: each question waits for the answer to the one before.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wharf_api::ids::MessageId;
use wharf_api::types::message::MessageStatus;
use wharf_core::store::{Accepted, Error, MessageRow, MessageStore, NewMessage, Receipt, ReceiptKind, VaultOp, VaultStore};
use wharf_store::{Config, SqlStore, open};

use crate::harness::{Db, config};
use crate::owed::webhook;
use crate::tenant::{NOW, Tenant, chance, claim, sent};

/// A way to the same database on which it is counted how often somebody asks after an answer.
async fn counted(db: &Db) -> (String, Arc<AtomicUsize>) {
    let (credentials, rest) = db.url.split_once('@').unwrap();
    let (server, name) = rest.split_once('/').unwrap();
    let server = server.to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&server).await.unwrap();
            tokio::spawn(carry(client, server, Arc::clone(&count)));
        }
    });
    (format!("{credentials}@127.0.0.1:{port}/{name}"), asked)
}

/// Carries what both sides say, until one of them has gone.
async fn carry(client: TcpStream, server: TcpStream, asked: Arc<AtomicUsize>) {
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) = (client.into_split(), server.into_split());
    let (mut question, mut answer, mut answered) = (vec![0; 64 * 1024], vec![0; 64 * 1024], true);
    loop {
        tokio::select! {
            read = from_client.read(&mut question) => {
                let Ok(length @ 1..) = read else { return };
                asked.fetch_add(usize::from(answered), Ordering::Relaxed);
                answered = false;
                if to_server.write_all(&question[..length]).await.is_err() {
                    return;
                }
            }
            read = from_server.read(&mut answer) => {
                let Ok(length @ 1..) = read else { return };
                answered = true;
                if to_client.write_all(&answer[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Accepts four messages in one group with the end of a fifth one, where there is one. Tells how often the server was asked, and one of the
/// four.
async fn group(store: &SqlStore, tenant: &Tenant, ended: Option<&MessageId>, asked: &AtomicUsize) -> (usize, MessageId) {
    // Each under a key, as clients make them.
    let claimed = |message: NewMessage| NewMessage { claim: Some(claim(chance().message_id().as_str())), ..message };
    let texts: Vec<_> = (0..4).map(|n| claimed(tenant.outgoing(&n.to_string()))).collect();
    let before = asked.load(Ordering::Relaxed);
    let end = async {
        match ended {
            Some(id) => store.record_outcomes(&tenant.fence, &[sent(id)]).await.unwrap().len(),
            None => 0,
        }
    };
    // One thread: all are in line before the lane takes the first.
    let (accepted, ends) = tokio::join!(join_all(texts.iter().map(|text| store.accept_message(text))), end);
    assert!(accepted.iter().all(|accepted| matches!(accepted, Ok(Accepted::Now))), "{accepted:?}");
    assert_eq!(ends, usize::from(ended.is_some()));
    (asked.load(Ordering::Relaxed) - before, texts[0].row.id.clone())
}

#[tokio::test]
async fn a_group_of_accepted_messages_asks_three_times_also_with_an_outcome_among_them() {
    let db = Db::postgres().await;
    let tenant = Tenant::new(&db).await;
    let (url, asked) = counted(&db).await;
    let store = open(Config { lanes: Some(1), ..config(&url) }).await.unwrap();
    // Its statements are prepared, and the row that counts the day is made.
    let (_, first) = group(&store, &tenant, None, &asked).await;
    let (_, second) = group(&store, &tenant, Some(&first), &asked).await;
    let (alone, _) = group(&store, &tenant, None, &asked).await;
    assert_eq!(alone, 3, "to begin, to write and to commit");
    let (beside, third) = group(&store, &tenant, Some(&second), &asked).await;
    assert_eq!(beside, 3, "what is sent is found as the group begins, and written with the rest");
    webhook(&db, &tenant).await;
    let (delivered, _) = group(&store, &tenant, Some(&third), &asked).await;
    assert_eq!(delivered, 3, "what is to be delivered goes with the rest");
    assert_eq!(db.ints("SELECT messages FROM usage").await, [20]);
    assert_eq!(db.ints("SELECT COUNT(*) FROM idempotency JOIN messages ON resource_id = id").await, [20]);
    assert_eq!(db.ints("SELECT sequence FROM events ORDER BY number").await, (1..=26).collect::<Vec<_>>());
    store.close().await;
    db.finish().await;
}

#[tokio::test]
async fn a_message_that_is_accepted_alone_asks_three_times() {
    let db = Db::postgres().await;
    let tenant = Tenant::new(&db).await;
    let (url, asked) = counted(&db).await;
    let (mut rounds, mut trips) = (0, 0);
    while trips != 3 {
        // A group that stands still for a second, as it may on a busy machine, has the next ones of its lane write their own rows.
        assert!(rounds < 5, "to begin, to write and to commit: {trips}");
        rounds += 1;
        let store = open(Config { lanes: Some(1), ..config(&url) }).await.unwrap();
        group(&store, &tenant, None, &asked).await;
        let before = asked.load(Ordering::Relaxed);
        let text = NewMessage { claim: Some(claim(&format!("alone-{rounds}"))), ..tenant.outgoing("alone") };
        assert_eq!(store.accept_message(&text).await.unwrap(), Accepted::Now);
        trips = asked.load(Ordering::Relaxed) - before;
        store.close().await;
    }
    db.finish().await;
}

#[tokio::test]
async fn keys_that_are_written_beside_accepted_messages_ask_no_more_than_these() {
    let db = Db::postgres().await;
    let tenant = Tenant::new(&db).await;
    let (url, asked) = counted(&db).await;
    let (mut rounds, mut trips) = (0, 0);
    while trips != 3 {
        // One that stands still for most of a second, as it may on a busy machine, is cut up whatever is in it.
        assert!(rounds < 5, "to begin, to write and to commit: {trips}");
        rounds += 1;
        let store = open(Config { lanes: Some(1), ..config(&url) }).await.unwrap();
        group(&store, &tenant, None, &asked).await;
        let texts: Vec<_> = (0..4).map(|n| tenant.outgoing(&n.to_string())).collect();
        let keys = ["one", "other"].map(|key| VaultOp::Put { space: "session", key: format!("{key} {rounds}"), value: vec![1] });
        let before = asked.load(Ordering::Relaxed);
        // One thread: all are in line before the lane takes the first.
        let accepts = join_all(texts.iter().map(|text| store.accept_message(text)));
        let (accepted, kept) = tokio::join!(accepts, store.vault_apply(&tenant.fence, keys.to_vec()));
        assert!(accepted.iter().all(|accepted| matches!(accepted, Ok(Accepted::Now))), "{accepted:?}");
        kept.unwrap();
        trips = asked.load(Ordering::Relaxed) - before;
        store.close().await;
    }
    assert_eq!(db.store.vault_list(&tenant.session, "session", "").await.unwrap().len(), 2 * rounds);
    db.finish().await;
}

#[tokio::test]
async fn a_receipt_for_many_asks_three_times_though_it_overtakes_what_says_that_they_were_sent() {
    let db = Db::postgres().await;
    let tenant = Tenant::new(&db).await;
    let (url, asked) = counted(&db).await;
    let store = open(Config { lanes: Some(1), ..config(&url) }).await.unwrap();
    let mut trips = 0;
    // Once for the statements to be prepared.
    for _ in 0..2 {
        let mut wa_ids = Vec::new();
        for text in ["one", "two", "three"] {
            wa_ids.push(tenant.send(&db, text).await.wa_id);
        }
        let receipt = Receipt { kind: ReceiptKind::Delivered, wa_ids, at: NOW };
        let before = asked.load(Ordering::Relaxed);
        assert_eq!(store.record_receipt(&tenant.fence, &receipt).await.unwrap().len(), 3);
        trips = asked.load(Ordering::Relaxed) - before;
    }
    assert_eq!(trips, 3, "to begin, to write and to commit");
    store.close().await;
    db.finish().await;
}

/// Accepts three messages of a session.
async fn three(db: &Db, tenant: &Tenant) -> Vec<MessageRow> {
    let mut rows = Vec::new();
    for text in ["one", "two", "three"] {
        rows.push(tenant.send(db, text).await);
    }
    rows
}

#[tokio::test]
async fn outcomes_and_receipts_of_several_sessions_ask_three_times_however_many_there_are() {
    let db = Db::postgres().await;
    let tenant = Tenant::new(&db).await;
    let beside = tenant.beside(&db).await;
    let (url, asked) = counted(&db).await;
    let (mut rounds, mut trips, mut last) = (0, 0, Vec::new());
    while trips != 3 {
        // One that stands still for most of a second, as it may on a busy machine, is cut up whatever is in it.
        assert!(rounds < 5, "to begin, to write and to commit: {trips}");
        rounds += 1;
        let store = open(Config { lanes: Some(1), ..config(&url) }).await.unwrap();
        // Its statements are prepared.
        let prepared = tenant.send(&db, "prepared").await.id;
        assert_eq!(store.record_outcomes(&tenant.fence, &[sent(&prepared)]).await.unwrap(), [prepared]);
        let (own, others) = (three(&db, &tenant).await, three(&db, &beside).await);
        let receipt = |rows: &[MessageRow]| Receipt {
            kind: ReceiptKind::Delivered,
            wa_ids: rows.iter().map(|row| row.wa_id.clone()).collect(),
            at: NOW.plus_millis(50),
        };
        let (of_own, of_others) = (receipt(&own), receipt(&others[..2]));
        let (one, two, other) = ([sent(&own[0].id), sent(&own[1].id)], [sent(&own[2].id)], [sent(&others[0].id), sent(&others[2].id)]);
        let before = asked.load(Ordering::Relaxed);
        // One thread: all are in line before the lane takes the first.
        let (first, second, third, moved, moved_beside) = tokio::join!(
            store.record_outcomes(&tenant.fence, &one),
            store.record_outcomes(&tenant.fence, &two),
            store.record_outcomes(&beside.fence, &other),
            store.record_receipt(&tenant.fence, &of_own),
            store.record_receipt(&beside.fence, &of_others),
        );
        trips = asked.load(Ordering::Relaxed) - before;
        assert_eq!((first.unwrap().len(), second.unwrap().len(), third.unwrap().len()), (2, 1, 2));
        assert_eq!((moved.unwrap().len(), moved_beside.unwrap().len()), (3, 2));
        store.close().await;
        last = [own, others].concat();
    }
    for (place, row) in last.iter().enumerate() {
        let of = if place < 3 { &tenant } else { &beside };
        // The last one has an outcome and no receipt.
        let line = [MessageStatus::Queued, MessageStatus::Sent, MessageStatus::Delivered];
        assert_eq!(of.line(&db, &row.id).await, line[..if place == 5 { 2 } else { 3 }], "{place}");
        // The second one of the other session was never said to be sent.
        let sent_at = db.store.timeline(&tenant.account, &row.id).await.unwrap()[1].at;
        assert_eq!(sent_at, NOW.plus_millis(if place == 4 { 50 } else { 5 }), "{place}");
    }
    for of in [&tenant, &beside] {
        let sequences = db.ints(&format!("SELECT sequence FROM events WHERE {} ORDER BY number", db.of_session(&of.session))).await;
        assert_eq!(sequences, (1..=i64::try_from(sequences.len()).unwrap()).collect::<Vec<_>>());
    }
    db.finish().await;
}

#[tokio::test]
async fn a_message_that_is_alone_and_cannot_be_stored_is_refused_and_the_next_one_stored() {
    let db = Db::postgres().await;
    let tenant = Tenant::new(&db).await;
    let store = open(Config { lanes: Some(1), ..config(&db.url) }).await.unwrap();
    let first = tenant.outgoing("first");
    assert_eq!(store.accept_message(&first).await.unwrap(), Accepted::Now);
    let mut again = tenant.outgoing("again");
    again.row.wa_id = first.row.wa_id.clone();
    let refused = store.accept_message(&again).await.unwrap_err();
    assert!(matches!(refused, Error::Refused(_)), "{refused:?}");
    assert_eq!(store.accept_message(&tenant.outgoing("next")).await.unwrap(), Accepted::Now);
    assert_eq!(db.ints("SELECT messages FROM usage").await, [2]);
    store.close().await;
    db.finish().await;
}

#[tokio::test]
async fn what_a_group_asks_as_it_begins_is_planned_for_the_first_groups_alone() {
    let db = Db::postgres().await;
    let tenant = Tenant::new(&db).await;
    // A connection alone knows what it has prepared.
    db.execute(
        "CREATE TABLE prepared (name text, planned bigint, kept bigint); \
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO prepared \
         SELECT name, custom_plans, generic_plans FROM pg_prepared_statements WHERE from_sql; RETURN NULL; END $$; \
         CREATE TRIGGER note AFTER INSERT ON messages FOR EACH STATEMENT EXECUTE FUNCTION note()",
    )
    .await;
    let (store, asked) = (open(Config { lanes: Some(1), ..config(&db.url) }).await.unwrap(), AtomicUsize::new(0));
    let mut last = None;
    for _ in 0..8 {
        last = Some(group(&store, &tenant, last.as_ref(), &asked).await.1);
    }
    let planned_once = db.texts("SELECT DISTINCT name FROM prepared WHERE kept > 0 ORDER BY name").await;
    assert_eq!(planned_once, ["found_ending", "kept_claimed_until", "kept_held", "kept_kept", "kept_of_day"]);
    assert_eq!(db.ints("SELECT MAX(planned) FROM prepared").await, [5], "PostgreSQL plans so many by their values");
    store.close().await;
    db.finish().await;
}
