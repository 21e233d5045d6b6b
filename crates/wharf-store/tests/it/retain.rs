//! Messages go when they are older than somebody keeps them, with what hangs on them and with nothing else.

use wharf_api::Timestamp;
use wharf_api::ids::MessageId;
use wharf_core::store::{AccountStore, MessageStore, Receipt, ReceiptKind, Removed};

use crate::harness::{Db, both_backends};
use crate::tenant::{NOW, Tenant, chance, failed, sent};

both_backends!(
    what_is_old_goes_with_what_hangs_on_it_and_what_is_queued_or_was_touched_since_stays,
    a_long_log_goes_in_parts_and_the_look_ends_where_it_becomes_young,
    a_file_goes_with_the_message_that_it_came_with_unless_it_was_sent_on,
    nothing_goes_that_is_not_the_accounts,
);

const AFTERWARDS: Timestamp = NOW.plus_millis(1_000);

/// Removes what was made before that time, to the end; tells how many messages.
async fn remove(db: &Db, tenant: &Tenant, before: Timestamp) -> u64 {
    let (mut removed, mut after) = (0, 0);
    loop {
        let part = db.store.remove_messages(&tenant.account, before, after).await.unwrap();
        removed += part.messages;
        match part.next {
            Some(next) => after = next,
            None => return removed,
        }
    }
}

async fn counts(db: &Db) -> [i64; 4] {
    let mut counts = [0; 4];
    for (place, table) in ["messages", "outgoing", "message_steps", "message_receipts"].iter().enumerate() {
        counts[place] = db.ints(&format!("SELECT COUNT(*) FROM {table}")).await[0];
    }
    counts
}

async fn what_is_old_goes_with_what_hangs_on_it_and_what_is_queued_or_was_touched_since_stays(db: &Db) {
    let tenant = Tenant::new(db).await;
    let [gone, given_up, read, queued] = [
        tenant.send(db, "sent").await,
        tenant.send(db, "failed").await,
        tenant.send(db, "read since").await,
        tenant.send(db, "queued").await,
    ];
    db.store.record_outcomes(&tenant.fence, &[sent(&gone.id), failed(&given_up.id), sent(&read.id)]).await.unwrap();
    let receipt = Receipt { kind: ReceiptKind::Read, wa_ids: vec![read.wa_id.clone()], at: AFTERWARDS };
    db.store.record_receipt(&tenant.fence, &receipt).await.unwrap();
    let came = tenant.incoming("77700012345@lid", "AC1");
    db.store.record_inbound(&tenant.fence, std::slice::from_ref(&came)).await.unwrap();
    for table in ["message_steps (message, status, at)", "message_receipts (message, person, read_at)"] {
        db.execute(&format!("INSERT INTO {table} SELECT number, 'delivered', 1 FROM messages WHERE id IN ('{}', '{}')", gone.id, read.id))
            .await;
    }
    assert_eq!(counts(db).await, [5, 4, 2, 2]);
    let used = db.ints("SELECT messages FROM usage").await;

    assert_eq!(remove(db, &tenant, NOW).await, 0, "none is older");
    assert_eq!(remove(db, &tenant, AFTERWARDS).await, 3);
    assert_eq!(counts(db).await, [2, 2, 1, 1]);
    let there = async |id: &MessageId| db.store.find_message(&tenant.account, id).await.unwrap().is_some();
    let left = [there(&gone.id).await, there(&given_up.id).await, there(&came.id).await, there(&read.id).await, there(&queued.id).await];
    assert_eq!(left, [false, false, false, true, true]);
    assert_eq!(db.ints("SELECT messages FROM usage").await, used, "what was used stays");

    assert_eq!(remove(db, &tenant, AFTERWARDS.plus_millis(1)).await, 1, "its last step is old by then");
    assert_eq!(remove(db, &tenant, Timestamp::from_millis(i64::MAX / 2)).await, 0, "what is to be sent has no age");
}

async fn a_long_log_goes_in_parts_and_the_look_ends_where_it_becomes_young(db: &Db) {
    let tenant = Tenant::new(db).await;
    let (account, session) = (&tenant.account, &tenant.session);
    let many = |from: i64, to: i64, at: i64| {
        format!(
            "WITH RECURSIVE n (i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {to}) \
             INSERT INTO messages (id, account_id, session_id, wa_id, direction, status, chat, chat_key, content, created_at) \
             SELECT 'msg_' || i, '{account}', '{session}', 'w' || i, 'outgoing', 'sent', 'c', 'c', '{{}}', {at} FROM n"
        )
    };
    db.execute(&many(1, 250, 1)).await;
    db.execute(&many(251, 400, 9)).await;
    let first = db.store.remove_messages(account, Timestamp::from_millis(5), 0).await.unwrap();
    assert!(first.messages == 100 && first.next.is_some(), "{first:?}");
    assert_eq!(remove(db, &tenant, Timestamp::from_millis(5)).await, 150);
    let young = db.store.remove_messages(account, Timestamp::from_millis(5), 0).await.unwrap();
    assert_eq!(young, Removed { messages: 0, next: None });
    assert_eq!(db.ints("SELECT COUNT(*) FROM messages").await, [150]);
}

async fn a_file_goes_with_the_message_that_it_came_with_unless_it_was_sent_on(db: &Db) {
    let tenant = Tenant::new(db).await;
    let (account, session) = (&tenant.account, &tenant.session);
    let (came, kept) = (chance().media_id(), chance().media_id());
    for (media, sent_on) in [(&came, 0), (&kept, 1)] {
        let content = format!(r#"{{"type":"image","mediaId":"{media}","mediaStatus":"stored","mimeType":"image/png","sizeBytes":1}}"#);
        let message = chance().message_id();
        db.execute(&format!(
            "INSERT INTO messages (id, account_id, session_id, wa_id, direction, status, chat, chat_key, content, created_at) \
             VALUES ('{message}', '{account}', '{session}', '{media}', 'incoming', 'received', 'c', 'c', '{content}', 1); \
             INSERT INTO media (id, account_id, session_id, kind, mime_type, size, state, created_at, expires_at, sent_on) \
             VALUES ('{media}', '{account}', '{session}', 'image', 'image/png', 1, 'stored', 1, 9, {sent_on})"
        ))
        .await;
    }
    assert_eq!(remove(db, &tenant, NOW).await, 2);
    assert_eq!(db.texts("SELECT id FROM media WHERE expires_at = 0").await, [came.as_str()]);
}

async fn nothing_goes_that_is_not_the_accounts(db: &Db) {
    let (tenant, other) = (Tenant::new(db).await, Tenant::new(db).await);
    for one in [&tenant, &other] {
        let message = one.send(db, "x").await;
        db.store.record_outcomes(&one.fence, &[sent(&message.id)]).await.unwrap();
    }
    assert_eq!(db.store.owed_to_webhooks_since(&tenant.account).await.unwrap(), None);
    assert_eq!(remove(db, &tenant, AFTERWARDS).await, 1);
    assert_eq!(db.texts("SELECT account_id FROM messages").await, [other.account.as_str()]);
    let plan = db.store.find_account(&tenant.account).await.unwrap().unwrap().plan;
    assert_eq!(plan.message_days, None, "for ever");
}
