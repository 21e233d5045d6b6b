use wharf_api::ErrorCode;
use wharf_api::types::message::MessageStatus::{Failed, Queued, Sent};
use wharf_core::store::{AccountStore, MessageStore, NewMessage, OwnerStore, SessionStore, TRY_LIMIT};

use crate::harness::{Db, both_backends};
use crate::tenant::{NOW, Tenant, failed, sent};

both_backends!(
    the_queue_is_read_in_order_and_from_any_number,
    a_try_is_counted_before_the_wire_and_only_while_queued,
    an_acknowledged_message_is_sent_once,
    a_failed_message_says_why,
    an_ended_message_keeps_its_status,
    an_owner_ends_only_its_own_sessions_messages,
    overdue_messages_are_those_whose_time_is_over,
    what_may_be_on_the_wire_is_not_overdue_yet,
    only_its_account_can_fail_a_message,
    a_payload_stays_after_it_was_sent,
    whom_a_status_is_for_comes_with_every_try_and_stays,
    another_account_sees_nothing_of_a_message,
);

async fn the_queue_is_read_in_order_and_from_any_number(db: &Db) {
    let tenant = Tenant::new(db).await;
    let mut ids = Vec::new();
    for text in ["a", "b", "c", "d", "e"] {
        ids.push(tenant.send(db, text).await.id);
    }
    db.store.record_outcomes(&tenant.fence, &[sent(&ids[2])]).await.unwrap();
    let first = db.store.queued_messages(&tenant.session, 0, 2).await.unwrap();
    let rest = db.store.queued_messages(&tenant.session, first[1].0, 10).await.unwrap();
    let seen: Vec<_> = first.iter().chain(&rest).map(|(_, outgoing)| &outgoing.id).collect();
    assert_eq!(seen, [&ids[0], &ids[1], &ids[3], &ids[4]]);
    assert!(db.store.queued_messages(&tenant.session, rest[1].0, 10).await.unwrap().is_empty());
}

async fn a_try_is_counted_before_the_wire_and_only_while_queued(db: &Db) {
    let tenant = Tenant::new(db).await;
    let (one, other) = (tenant.send(db, "a").await.id, tenant.send(db, "b").await.id);
    db.store.record_outcomes(&tenant.fence, &[sent(&other)]).await.unwrap();
    for _ in 0..2 {
        db.store.claim_messages(&tenant.fence, &[one.clone(), other.clone()], NOW).await.unwrap();
    }
    assert_eq!(db.store.queued_messages(&tenant.session, 0, 9).await.unwrap()[0].1.attempts, 2);
    assert_eq!(db.ints("SELECT attempts FROM outgoing ORDER BY message").await, [2, 0]);
}

async fn an_acknowledged_message_is_sent_once(db: &Db) {
    let tenant = Tenant::new(db).await;
    let id = tenant.send(db, "a").await.id;
    assert_eq!(db.store.record_outcomes(&tenant.fence, &[sent(&id), sent(&id)]).await.unwrap(), std::slice::from_ref(&id));
    assert!(db.store.record_outcomes(&tenant.fence, &[sent(&id)]).await.unwrap().is_empty());
    assert_eq!(tenant.line(db, &id).await, [Queued, Sent]);
    let kinds = db.kinds("TRUE").await;
    assert_eq!(kinds, ["message.status", "message.status", "message.sent"]);
    let at = db.store.timeline(&tenant.account, &id).await.unwrap()[1].at;
    assert_eq!(at, NOW.plus_millis(5));
}

async fn a_failed_message_says_why(db: &Db) {
    let tenant = Tenant::new(db).await;
    let id = tenant.send(db, "a").await.id;
    assert_eq!(db.store.record_outcomes(&tenant.fence, &[failed(&id)]).await.unwrap(), std::slice::from_ref(&id));
    let row = db.store.find_message(&tenant.account, &id).await.unwrap().unwrap();
    assert_eq!((row.status, row.error, row.error_reason.as_deref()), (Failed, Some(ErrorCode::MessageSendingFailed), Some("nack 479")));
    assert_eq!(tenant.line(db, &id).await, [Queued, Failed]);
    let data: serde_json::Value = serde_json::from_str(db.told("true").await.last().unwrap()).unwrap();
    assert_eq!(data["error"]["code"], "message_sending_failed");
}

async fn an_ended_message_keeps_its_status(db: &Db) {
    let tenant = Tenant::new(db).await;
    let (one, other) = (tenant.send(db, "a").await.id, tenant.send(db, "b").await.id);
    db.store.record_outcomes(&tenant.fence, &[sent(&one), failed(&other)]).await.unwrap();
    let before = db.sizes().await;
    assert!(db.store.record_outcomes(&tenant.fence, &[failed(&one), sent(&other)]).await.unwrap().is_empty());
    assert!(!db.store.fail_message(&tenant.account, &failed(&one)).await.unwrap());
    assert_eq!((tenant.status(db, &one).await, tenant.status(db, &other).await), (Sent, Failed));
    assert_eq!(db.sizes().await, before);
}

async fn an_owner_ends_only_its_own_sessions_messages(db: &Db) {
    let (tenant, stranger) = (Tenant::new(db).await, Tenant::new(db).await);
    let id = tenant.send(db, "a").await.id;
    assert!(db.store.record_outcomes(&stranger.fence, &[sent(&id)]).await.unwrap().is_empty());
    db.store.claim_messages(&stranger.fence, std::slice::from_ref(&id), NOW).await.unwrap();
    let queued = db.store.queued_messages(&tenant.session, 0, 9).await.unwrap();
    assert_eq!((&queued[0].1.id, queued[0].1.attempts), (&id, 0));
}

async fn overdue_messages_are_those_whose_time_is_over(db: &Db) {
    let (one, other) = (Tenant::new(db).await, Tenant::new(db).await);
    let (due, ended) = (one.send(db, "a").await.id, one.send(db, "b").await.id);
    let mut later = other.outgoing("c");
    later.expires_at = NOW.plus_millis(2_000);
    db.store.accept_message(&later).await.unwrap();
    db.store.record_outcomes(&one.fence, &[sent(&ended)]).await.unwrap();
    let overdue = async |at| -> Vec<_> {
        let rows = db.store.overdue_messages(NOW.plus_millis(at), 10).await.unwrap();
        rows.into_iter().map(|overdue| overdue.row.id).collect()
    };
    assert!(overdue(999).await.is_empty());
    assert_eq!(overdue(1_000).await, std::slice::from_ref(&due));
    assert_eq!(overdue(2_000).await.len(), 2);
    assert_eq!(db.store.overdue_messages(NOW.plus_millis(2_000), 1).await.unwrap().len(), 2, "one of each account");
    assert!(db.store.fail_message(&one.account, &failed(&due)).await.unwrap());
    assert!(!db.store.fail_message(&one.account, &failed(&due)).await.unwrap());
    assert_eq!(overdue(2_000).await, [later.row.id]);
}

async fn what_may_be_on_the_wire_is_not_overdue_yet(db: &Db) {
    let tenant = Tenant::new(db).await;
    let (tried, other) = (tenant.send(db, "a").await.id, tenant.send(db, "b").await.id);
    // Claimed just before its time is over.
    let claimed_at = NOW.plus_millis(900);
    db.store.claim_messages(&tenant.fence, std::slice::from_ref(&tried), claimed_at).await.unwrap();
    let overdue = async |at| -> Vec<_> {
        let rows = db.store.overdue_messages(NOW.plus_millis(at), 10).await.unwrap();
        rows.into_iter().map(|overdue| (overdue.row.id, overdue.doubtful)).collect()
    };
    let limit = i64::try_from(TRY_LIMIT.as_millis()).unwrap();
    db.store.renew_lease("node", NOW, 100 * limit).await.unwrap();
    assert_eq!(overdue(1_000).await, [(other.clone(), false)], "a node that lives may have it on the wire");
    assert_eq!(overdue(999 + limit).await, [(other.clone(), false)]);
    assert_eq!(overdue(1_000 + limit).await, [(tried.clone(), true), (other.clone(), false)], "no try takes so long");
    db.store.renew_lease("node", NOW, 0).await.unwrap();
    assert_eq!(overdue(1_000).await, [(tried.clone(), true), (other, false)], "nobody has it on the wire");
    db.store.renew_lease("node", NOW, 100 * limit).await.unwrap();
    db.store.delete_session(&tenant.account, &tenant.session).await.unwrap();
    let left = overdue(1_000).await;
    assert!(left.contains(&(tried, true)), "a session that is gone has nothing on the wire: {left:?}");
}

async fn only_its_account_can_fail_a_message(db: &Db) {
    let (tenant, stranger) = (Tenant::new(db).await, Tenant::new(db).await);
    let id = tenant.send(db, "a").await.id;
    assert!(!db.store.fail_message(&stranger.account, &failed(&id)).await.unwrap());
    assert_eq!(tenant.status(db, &id).await, Queued);
}

async fn a_payload_stays_after_it_was_sent(db: &Db) {
    let (tenant, stranger) = (Tenant::new(db).await, Tenant::new(db).await);
    let row = tenant.send(db, "a").await;
    db.store.record_outcomes(&tenant.fence, &[sent(&row.id)]).await.unwrap();
    assert_eq!(db.store.sent_payload(&tenant.session, &row.chat, &row.wa_id).await.unwrap(), Some(b"a".to_vec()));
    assert_eq!(db.store.sent_payload(&tenant.session, "1@s.whatsapp.net", &row.wa_id).await.unwrap(), None);
    assert_eq!(db.store.sent_payload(&tenant.session, &row.chat, "other").await.unwrap(), None);
    assert_eq!(db.store.sent_payload(&stranger.session, &row.chat, &row.wa_id).await.unwrap(), None);
}

async fn whom_a_status_is_for_comes_with_every_try_and_stays(db: &Db) {
    let (tenant, stranger) = (Tenant::new(db).await, Tenant::new(db).await);
    let people = vec!["15550001001@s.whatsapp.net".to_owned(), "987@lid".to_owned()];
    let status = NewMessage { audience: people.clone(), ..tenant.outgoing("a status") };
    db.store.accept_message(&status).await.unwrap();
    tenant.send(db, "a message").await;
    let queued = db.store.queued_messages(&tenant.session, 0, 10).await.unwrap();
    let audiences: Vec<_> = queued.into_iter().map(|(_, message)| message.audience).collect();
    assert_eq!(audiences, [people.clone(), Vec::new()]);
    db.store.record_outcomes(&tenant.fence, &[sent(&status.row.id)]).await.unwrap();
    assert_eq!(db.store.audience(&tenant.session, &status.row.wa_id).await.unwrap(), people);
    assert!(db.store.audience(&stranger.session, &status.row.wa_id).await.unwrap().is_empty());
}

async fn another_account_sees_nothing_of_a_message(db: &Db) {
    let (tenant, stranger) = (Tenant::new(db).await, Tenant::new(db).await);
    let id = tenant.send(db, "a").await.id;
    assert!(db.store.find_message(&stranger.account, &id).await.unwrap().is_none());
    assert!(db.store.timeline(&stranger.account, &id).await.unwrap().is_empty());
    assert_eq!(db.store.messages_on_day(&stranger.account, NOW.utc_day()).await.unwrap(), 0);
    assert!(db.store.queued_messages(&stranger.session, 0, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn tries_and_their_ends_are_found_by_ids_where_the_statistics_know_neither_the_queue_nor_the_session() {
    let db = Db::postgres().await;
    let tenant = Tenant::new(&db).await;
    // All that was there when somebody looked was another session's, and sent.
    let others = "INSERT INTO messages (id, account_id, session_id, wa_id, direction, status, chat, chat_key, content, marks, created_at) \
        SELECT 'm' || n, 'a', 's', 'w' || n, 'outgoing', 'sent', 'c', 'c', '{}', '{}', 0 FROM generate_series(1, 1000) n; ANALYZE messages";
    db.execute(others).await;
    let mut ids = Vec::new();
    for text in ["a", "b", "c", "d", "e"] {
        ids.push(tenant.send(&db, text).await.id);
    }
    db.store.claim_messages(&tenant.fence, &ids, NOW).await.unwrap();
    db.store.claim_messages(&tenant.fence, &ids[..1], NOW).await.unwrap();
    assert_eq!(db.ints("SELECT attempts FROM outgoing ORDER BY message").await, [2, 1, 1, 1, 1]);
    assert_eq!(db.store.record_outcomes(&tenant.fence, &[sent(&ids[0]), sent(&ids[1])]).await.unwrap(), &ids[..2]);
    assert_eq!(db.store.record_outcomes(&tenant.fence, &[failed(&ids[2])]).await.unwrap(), &ids[2..3]);
    assert!(db.store.fail_message(&tenant.account, &failed(&ids[3])).await.unwrap());
    db.store.close().await;
    // A connection that closes hands in what it counted.
    let scans = |which: &str| {
        format!("SELECT CAST(SUM(idx_scan) AS BIGINT) FROM pg_stat_user_indexes WHERE relname = 'messages' AND indexrelname {which}")
    };
    while db.ints(&scans("= 'messages_id_key'")).await == [0] {
        tokio::task::yield_now().await;
    }
    assert_eq!(db.ints(&scans("NOT IN ('messages_id_key', 'messages_pkey')")).await, [0]);
    db.finish().await;
}
