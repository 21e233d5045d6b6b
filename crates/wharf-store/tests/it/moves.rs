//! Messages that writes of one group move: each finds what those before it have left, and what one of them is refused changes no other's.

use std::sync::Arc;

use futures::future::join_all;
use wharf_api::ErrorCode;
use wharf_api::types::message::MessageStatus::{self, Delivered, Queued, Read, Sent};
use wharf_api::types::message::{Content, Reference};
use wharf_core::store::{Accepted, Error, Fence, MessageRow, MessageStore, Outcome, Receipt, ReceiptKind, StatusChange};
use wharf_store::{Config, SqlStore, open};

use crate::harness::{Db, config};
use crate::tenant::{NOW, Tenant, failed, sent};

/// A store with one lane.
async fn one_lane(db: &Db) -> Arc<SqlStore> {
    db.store.close().await;
    open(Config { lanes: Some(1), ..config(&db.url) }).await.unwrap()
}

/// Runs a test on both databases, each on one thread: all writes are in line before the lane takes the first.
macro_rules! in_one_group {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                let db = crate::harness::Db::sqlite().await;
                super::$name(&db).await;
                db.finish().await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                let db = crate::harness::Db::postgres().await;
                super::$name(&db).await;
                db.finish().await;
            })+
        }
    };
}

in_one_group!(
    a_write_finds_where_those_before_it_in_the_group_have_moved_a_message,
    nobody_moves_the_messages_of_another_session_of_the_group,
    who_has_lost_a_session_moves_nothing_and_its_group_moves_all_the_same,
    an_edit_that_is_sent_changes_what_the_same_group_has_moved_and_tells_of,
    a_failure_among_what_was_sent_stands_and_receipts_of_it_move_nothing,
    what_was_taken_for_failed_is_corrected_behind_what_its_group_has_moved,
    a_group_of_more_messages_than_it_looks_for_beforehand_moves_each_of_them_once,
);

fn receipt(kind: ReceiptKind, rows: &[&MessageRow]) -> Receipt {
    Receipt { kind, wa_ids: rows.iter().map(|row| row.wa_id.clone()).collect(), at: NOW.plus_millis(50) }
}

async fn lines(db: &SqlStore, of: &Tenant, rows: &[&MessageRow]) -> Vec<Vec<MessageStatus>> {
    let mut lines = Vec::new();
    for row in rows {
        lines.push(db.timeline(&of.account, &row.id).await.unwrap().into_iter().map(|entry| entry.status).collect());
    }
    lines
}

async fn a_write_finds_where_those_before_it_in_the_group_have_moved_a_message(db: &Db) {
    let tenant = Tenant::new(db).await;
    let (one, other) = (tenant.send(db, "one").await, tenant.send(db, "other").await);
    let store = one_lane(db).await;
    let (ends, delivered, read) =
        ([sent(&one.id), sent(&one.id)], receipt(ReceiptKind::Delivered, &[&one, &one]), receipt(ReceiptKind::Read, &[&one, &other]));
    let (ended, moved, on, again, back) = tokio::join!(
        store.record_outcomes(&tenant.fence, &ends),
        store.record_receipt(&tenant.fence, &delivered),
        store.record_receipt(&tenant.fence, &read),
        store.record_outcomes(&tenant.fence, &ends),
        store.record_receipt(&tenant.fence, &delivered),
    );
    assert_eq!(ended.unwrap(), std::slice::from_ref(&one.id), "once");
    assert_eq!(moved.unwrap(), [MessageRow { status: Delivered, ..one.clone() }]);
    assert_eq!(on.unwrap(), [MessageRow { status: Read, ..one.clone() }, MessageRow { status: Read, ..other.clone() }]);
    assert!(again.unwrap().is_empty(), "it waits no more");
    assert!(back.unwrap().is_empty(), "it has gone on");
    let line = vec![Queued, Sent, Delivered, Read];
    assert_eq!(lines(&store, &tenant, &[&one, &other]).await, [line.clone(), line]);
    let timeline = store.timeline(&tenant.account, &one.id).await.unwrap();
    let times: Vec<_> = timeline.iter().map(|entry| entry.at).collect();
    assert_eq!(times, [NOW, NOW.plus_millis(5), NOW.plus_millis(50), NOW.plus_millis(50)]);
    assert!(store.queued_messages(&tenant.session, 0, 9).await.unwrap().is_empty());
    // One step of each acceptance, two kinds for each other step.
    assert_eq!(db.ints("SELECT sequence FROM events ORDER BY number").await, (1..=14).collect::<Vec<_>>());
    let told = "SELECT COUNT(*) FROM events GROUP BY kind ORDER BY kind";
    assert_eq!(db.ints(told).await, [2, 2, 2, 8], "delivered, read and sent once for each, and every step of each among all statuses");
    store.close().await;
}

async fn nobody_moves_the_messages_of_another_session_of_the_group(db: &Db) {
    let tenant = Tenant::new(db).await;
    let beside = tenant.beside(db).await;
    let (own, others) = (tenant.send(db, "own").await, beside.send(db, "other's").await);
    let store = one_lane(db).await;
    let (foreign, foreign_receipt) = ([sent(&others.id)], receipt(ReceiptKind::Read, &[&others]));
    let (ends, read) = ([sent(&own.id)], receipt(ReceiptKind::Read, &[&own]));
    let (nothing, none, ended, moved) = tokio::join!(
        store.record_outcomes(&tenant.fence, &foreign),
        store.record_receipt(&tenant.fence, &foreign_receipt),
        store.record_outcomes(&tenant.fence, &ends),
        store.record_receipt(&tenant.fence, &read),
    );
    assert!(nothing.unwrap().is_empty());
    assert!(none.unwrap().is_empty());
    assert_eq!(ended.unwrap(), std::slice::from_ref(&own.id));
    assert_eq!(moved.unwrap().len(), 1);
    assert_eq!(lines(&store, &tenant, &[&own, &others]).await, [vec![Queued, Sent, Delivered, Read], vec![Queued]]);
    store.close().await;
}

async fn who_has_lost_a_session_moves_nothing_and_its_group_moves_all_the_same(db: &Db) {
    let tenant = Tenant::new(db).await;
    let beside = tenant.beside(db).await;
    let (lost, own) = (tenant.send(db, "lost").await, beside.send(db, "own").await);
    let stale = Fence { epoch: tenant.fence.epoch - 1, ..tenant.fence.clone() };
    let store = one_lane(db).await;
    let (of_lost, of_own) = ([sent(&lost.id)], [sent(&own.id)]);
    let (lost_read, own_read) = (receipt(ReceiptKind::Read, &[&lost]), receipt(ReceiptKind::Read, &[&own]));
    let (refused, refused_too, ended, moved) = tokio::join!(
        store.record_outcomes(&stale, &of_lost),
        store.record_receipt(&stale, &lost_read),
        store.record_outcomes(&beside.fence, &of_own),
        store.record_receipt(&beside.fence, &own_read),
    );
    assert!(matches!(refused, Err(Error::Fenced)), "{refused:?}");
    assert!(matches!(refused_too, Err(Error::Fenced)), "{refused_too:?}");
    assert_eq!(ended.unwrap(), std::slice::from_ref(&own.id));
    assert_eq!(moved.unwrap().len(), 1);
    assert_eq!(lines(&store, &tenant, &[&lost, &own]).await, [vec![Queued], vec![Queued, Sent, Delivered, Read]]);
    store.close().await;
}

async fn an_edit_that_is_sent_changes_what_the_same_group_has_moved_and_tells_of(db: &Db) {
    let tenant = Tenant::new(db).await;
    let target = tenant.send(db, "old words").await;
    let mut edit = tenant.outgoing("new words");
    let named = Reference { whatsapp_id: target.wa_id.clone(), ..Reference::default() };
    edit.row.content = Content::Edit { text: "new words".to_owned(), target: named };
    edit.row.created_at = NOW.plus_millis(7);
    db.store.accept_message(&edit).await.unwrap();
    let store = one_lane(db).await;
    let (first, then, delivered) = ([sent(&target.id)], [sent(&edit.row.id)], receipt(ReceiptKind::Delivered, &[&target]));
    let (ended, edited, moved) = tokio::join!(
        store.record_outcomes(&tenant.fence, &first),
        store.record_outcomes(&tenant.fence, &then),
        store.record_receipt(&tenant.fence, &delivered),
    );
    assert_eq!((ended.unwrap(), edited.unwrap()), (vec![target.id.clone()], vec![edit.row.id.clone()]));
    let moved = moved.unwrap();
    assert_eq!((moved.len(), moved[0].status), (1, Delivered));
    assert_eq!(moved[0].content, Content::text("new words"));
    let stored = store.find_message(&tenant.account, &target.id).await.unwrap().unwrap();
    assert_eq!(stored, moved[0]);
    assert_eq!(lines(&store, &tenant, &[&target, &edit.row]).await, [vec![Queued, Sent, Delivered], vec![Queued, Sent]]);
    let told = db.told(&format!("{} = 'message.delivered'", db.kind())).await;
    assert!(told.len() == 1 && told[0].contains("new words"), "{told:?}");
    store.close().await;
}

async fn a_failure_among_what_was_sent_stands_and_receipts_of_it_move_nothing(db: &Db) {
    let tenant = Tenant::new(db).await;
    let (one, other, last) = (tenant.send(db, "one").await, tenant.send(db, "other").await, tenant.send(db, "last").await);
    let store = one_lane(db).await;
    let (before, mixed, read) =
        ([sent(&last.id)], [sent(&one.id), failed(&other.id), failed(&last.id)], receipt(ReceiptKind::Read, &[&one, &other, &last]));
    let (ended, ended_too, moved) = tokio::join!(
        store.record_outcomes(&tenant.fence, &before),
        store.record_outcomes(&tenant.fence, &mixed),
        store.record_receipt(&tenant.fence, &read),
    );
    assert_eq!(ended.unwrap(), std::slice::from_ref(&last.id));
    assert_eq!(ended_too.unwrap(), [one.id.clone(), other.id.clone()]);
    assert_eq!(moved.unwrap().iter().map(|row| &row.id).collect::<Vec<_>>(), [&one.id, &last.id]);
    let (went, failed) = (vec![Queued, Sent, Delivered, Read], vec![Queued, MessageStatus::Failed]);
    assert_eq!(lines(&store, &tenant, &[&one, &other, &last]).await, [went.clone(), failed, went]);
    store.close().await;
}

async fn what_was_taken_for_failed_is_corrected_behind_what_its_group_has_moved(db: &Db) {
    let tenant = Tenant::new(db).await;
    let (one, doubted) = (tenant.send(db, "one").await, tenant.send(db, "doubted").await);
    let store = one_lane(db).await;
    let outcome = Outcome::Unknown { code: ErrorCode::MessageSendingFailed, reason: "cut off".to_owned() };
    let unknown = [StatusChange { outcome, ..sent(&doubted.id) }];
    assert_eq!(store.record_outcomes(&tenant.fence, &unknown).await.unwrap(), std::slice::from_ref(&doubted.id));
    let (ends, delivered, read) =
        ([sent(&one.id)], receipt(ReceiptKind::Delivered, &[&doubted, &one]), receipt(ReceiptKind::Read, &[&one, &doubted]));
    let (ended, moved, on) = tokio::join!(
        store.record_outcomes(&tenant.fence, &ends),
        store.record_receipt(&tenant.fence, &delivered),
        store.record_receipt(&tenant.fence, &read),
    );
    let at = |status, row: &MessageRow| MessageRow { status, ..row.clone() };
    assert_eq!(ended.unwrap(), std::slice::from_ref(&one.id));
    assert_eq!(moved.unwrap(), [at(Delivered, &doubted), at(Delivered, &one)]);
    assert_eq!(on.unwrap(), [at(Read, &one), at(Read, &doubted)]);
    let line = vec![Queued, Sent, Delivered, Read];
    assert_eq!(lines(&store, &tenant, &[&one, &doubted]).await, [line.clone(), line]);
    assert_eq!(db.ints("SELECT COUNT(*) FROM messages WHERE failed_at IS NULL AND error_code IS NULL AND doubtful = 0").await, [2]);
    let sequences = db.ints("SELECT sequence FROM events ORDER BY number").await;
    assert_eq!(sequences, (1..=i64::try_from(sequences.len()).unwrap()).collect::<Vec<_>>());
    store.close().await;
}

async fn a_group_of_more_messages_than_it_looks_for_beforehand_moves_each_of_them_once(db: &Db) {
    let tenant = Tenant::new(db).await;
    let messages: Vec<_> = (0..280).map(|_| tenant.outgoing("x")).collect();
    for accepted in join_all(messages.iter().map(|message| db.store.accept_message(message))).await {
        assert_eq!(accepted.unwrap(), Accepted::Now);
    }
    let store = one_lane(db).await;
    let rows: Vec<&MessageRow> = messages.iter().map(|message| &message.row).collect();
    let ends: Vec<Vec<StatusChange>> = rows.chunks(20).map(|part| part.iter().map(|row| sent(&row.id)).collect()).collect();
    let receipts: Vec<Receipt> = rows.chunks(16).map(|part| receipt(ReceiptKind::Delivered, part)).collect();
    let (ended, moved) = tokio::join!(
        join_all(ends.iter().map(|part| store.record_outcomes(&tenant.fence, part))),
        join_all(receipts.iter().map(|part| store.record_receipt(&tenant.fence, part))),
    );
    assert_eq!(ended.into_iter().map(|part| part.unwrap().len()).sum::<usize>(), 280);
    assert_eq!(moved.into_iter().map(|part| part.unwrap().len()).sum::<usize>(), 280);
    let (sent_at, delivered_at) = (NOW.plus_millis(5).as_millis(), NOW.plus_millis(50).as_millis());
    let there = format!(
        "SELECT COUNT(*) FROM messages WHERE status = 'delivered' AND sent_at = {sent_at} AND delivered_at = {delivered_at} \
         AND read_at IS NULL"
    );
    assert_eq!(db.ints(&there).await, [280]);
    // One of each acceptance, and two for each other step.
    assert_eq!(db.ints("SELECT sequence FROM events ORDER BY number").await, (1..=5 * 280).collect::<Vec<_>>());
    store.close().await;
}

#[tokio::test]
async fn a_message_that_the_database_does_not_let_move_is_refused_alone_among_those_of_its_group() {
    let db = Db::postgres().await;
    let tenant = Tenant::new(&db).await;
    let mut rows = Vec::new();
    for text in ["one", "two", "refused", "four"] {
        rows.push(tenant.send(&db, text).await);
    }
    db.execute(&format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         RAISE EXCEPTION 'a check of the operator' USING ERRCODE = '23514'; END $$; \
         CREATE TRIGGER refuse BEFORE UPDATE ON messages FOR EACH ROW WHEN (OLD.id = '{}') EXECUTE FUNCTION refuse()",
        rows[2].id
    ))
    .await;
    let store = one_lane(&db).await;
    let ends: Vec<_> = rows.iter().map(|row| [sent(&row.id)]).collect();
    let read = receipt(ReceiptKind::Read, &[&rows[0], &rows[1]]);
    let (results, moved) = tokio::join!(
        join_all(ends.iter().map(|end| store.record_outcomes(&tenant.fence, end))),
        store.record_receipt(&tenant.fence, &read),
    );
    for (place, result) in results.iter().enumerate() {
        match result {
            Ok(ended) => assert!(place != 2 && *ended == [rows[place].id.clone()], "{place}: {ended:?}"),
            Err(error) => assert!(place == 2 && matches!(error, Error::Refused(_)), "{place}: {error:?}"),
        }
    }
    assert_eq!(moved.unwrap().len(), 2);
    let went = vec![Queued, Sent, Delivered, Read];
    let seen = lines(&store, &tenant, &rows.iter().collect::<Vec<_>>()).await;
    assert_eq!(seen, [went.clone(), went, vec![Queued], vec![Queued, Sent]]);
    let sequences = db.ints("SELECT sequence FROM events ORDER BY number").await;
    assert_eq!(sequences, (1..=i64::try_from(sequences.len()).unwrap()).collect::<Vec<_>>());
    store.close().await;
    db.finish().await;
}
