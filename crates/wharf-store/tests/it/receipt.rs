use wharf_api::types::message::MessageStatus::{Delivered, Failed, Played, Queued, Read, Received, Sent};
use wharf_api::types::message::{Content, Reference};
use wharf_core::store::{EventFilter, EventRow, EventStore, MessageRow, MessageStore, Outcome, Receipt, ReceiptKind, StatusChange};

use crate::harness::{Db, both_backends};
use crate::tenant::{NOW, Tenant, failed, sent};

both_backends!(
    a_message_moves_forward_step_by_step,
    a_read_receipt_on_a_queued_message_proves_every_step_between,
    receipts_in_the_wrong_order_move_nothing_back,
    a_repeated_receipt_changes_nothing,
    a_failed_message_stays_failed,
    a_receipt_corrects_an_end_that_nobody_knew,
    unknown_ids_and_incoming_messages_are_left_alone,
    a_receipt_for_many_moves_those_that_it_can,
    a_receipt_for_many_moves_each_from_where_it_was,
    what_an_edit_of_the_same_receipt_has_changed_is_told_as_it_is_then,
);

async fn receipt(db: &Db, tenant: &Tenant, kind: ReceiptKind, rows: &[&MessageRow]) -> Vec<MessageRow> {
    let wa_ids = rows.iter().map(|row| row.wa_id.clone()).collect();
    db.store.record_receipt(&tenant.fence, &Receipt { kind, wa_ids, at: NOW.plus_millis(50) }).await.unwrap()
}

async fn a_message_moves_forward_step_by_step(db: &Db) {
    let tenant = Tenant::new(db).await;
    let row = tenant.send(db, "a").await;
    db.store.record_outcomes(&tenant.fence, &[sent(&row.id)]).await.unwrap();
    for (kind, status) in [(ReceiptKind::Delivered, Delivered), (ReceiptKind::Read, Read), (ReceiptKind::Played, Played)] {
        let moved = receipt(db, &tenant, kind, &[&row]).await;
        assert_eq!(moved, [MessageRow { status, ..row.clone() }]);
        assert_eq!(db.store.find_message(&tenant.account, &row.id).await.unwrap().unwrap().status, status);
    }
    assert_eq!(tenant.line(db, &row.id).await, [Queued, Sent, Delivered, Read, Played]);
    let kinds = db.kinds("kind <> 'message.status'").await;
    assert_eq!(kinds, ["message.sent", "message.delivered", "message.read"]);
    assert_eq!(db.kinds("kind = 'message.status'").await.len(), 5);
}

async fn a_read_receipt_on_a_queued_message_proves_every_step_between(db: &Db) {
    let tenant = Tenant::new(db).await;
    let row = tenant.send(db, "a").await;
    assert_eq!(receipt(db, &tenant, ReceiptKind::Read, &[&row]).await.len(), 1);
    assert_eq!(tenant.line(db, &row.id).await, [Queued, Sent, Delivered, Read]);
    let kinds = db.kinds("TRUE").await;
    let wanted = ["status", "status", "sent", "status", "delivered", "status", "read"].map(|kind| format!("message.{kind}"));
    assert_eq!(kinds, wanted);
    let told = db.store.list_events(&tenant.account, &EventFilter::default(), 0, 100).await.unwrap().rows;
    let status = |event: &EventRow| serde_json::from_str::<serde_json::Value>(&event.data).unwrap()["status"].as_str().unwrap().to_owned();
    let shown: Vec<String> = told.iter().map(status).collect();
    assert_eq!(shown, ["queued", "sent", "sent", "delivered", "delivered", "read", "read"]);
    // It does not wait to be sent any more, and the acknowledgement that comes late changes nothing.
    assert!(db.store.queued_messages(&tenant.session, 0, 9).await.unwrap().is_empty());
    assert!(db.store.record_outcomes(&tenant.fence, &[sent(&row.id)]).await.unwrap().is_empty());
    assert_eq!(tenant.status(db, &row.id).await, Read);
}

async fn receipts_in_the_wrong_order_move_nothing_back(db: &Db) {
    let tenant = Tenant::new(db).await;
    let row = tenant.send(db, "a").await;
    assert_eq!(receipt(db, &tenant, ReceiptKind::Played, &[&row]).await.len(), 1);
    let before = db.sizes().await;
    assert!(receipt(db, &tenant, ReceiptKind::Read, &[&row]).await.is_empty());
    assert!(receipt(db, &tenant, ReceiptKind::Delivered, &[&row]).await.is_empty());
    assert_eq!(tenant.status(db, &row.id).await, Played);
    assert_eq!(db.sizes().await, before);
}

async fn a_repeated_receipt_changes_nothing(db: &Db) {
    let tenant = Tenant::new(db).await;
    let row = tenant.send(db, "a").await;
    assert_eq!(receipt(db, &tenant, ReceiptKind::Delivered, &[&row, &row]).await.len(), 1);
    let before = db.sizes().await;
    assert!(receipt(db, &tenant, ReceiptKind::Delivered, &[&row]).await.is_empty());
    assert_eq!(db.sizes().await, before);
}

async fn a_failed_message_stays_failed(db: &Db) {
    let tenant = Tenant::new(db).await;
    let row = tenant.send(db, "a").await;
    db.store.record_outcomes(&tenant.fence, &[failed(&row.id)]).await.unwrap();
    assert!(receipt(db, &tenant, ReceiptKind::Delivered, &[&row]).await.is_empty());
    assert_eq!(tenant.status(db, &row.id).await, Failed);
}

async fn a_receipt_corrects_an_end_that_nobody_knew(db: &Db) {
    let tenant = Tenant::new(db).await;
    let row = tenant.send(db, "a").await;
    let outcome = Outcome::failure(wharf_api::ErrorCode::MessageSendingFailed, "no answer", true);
    let change = StatusChange { id: row.id.clone(), outcome, at: NOW.plus_millis(6) };
    assert!(db.store.fail_message(&tenant.account, &change).await.unwrap());
    let shown = db.store.find_message(&tenant.account, &row.id).await.unwrap().unwrap();
    assert!(shown.error_reason.unwrap().starts_with("no answer; it may have arrived"));
    let moved = receipt(db, &tenant, ReceiptKind::Delivered, &[&row]).await;
    assert_eq!(moved, [MessageRow { status: Delivered, ..row.clone() }]);
    assert_eq!(db.store.find_message(&tenant.account, &row.id).await.unwrap().unwrap(), moved[0]);
    assert_eq!(tenant.line(db, &row.id).await, [Queued, Sent, Delivered]);
    let kinds = db.kinds("kind <> 'message.status'").await;
    assert_eq!(kinds, ["message.failed", "message.sent", "message.delivered"]);
    assert!(receipt(db, &tenant, ReceiptKind::Delivered, &[&row]).await.is_empty());
}

async fn unknown_ids_and_incoming_messages_are_left_alone(db: &Db) {
    let (tenant, stranger) = (Tenant::new(db).await, Tenant::new(db).await);
    let incoming = tenant.incoming("1@lid", "IN1");
    db.store.record_inbound(&tenant.fence, std::slice::from_ref(&incoming)).await.unwrap();
    let foreign = stranger.send(db, "a").await;
    let unknown = MessageRow { wa_id: "nobody's".to_owned(), ..incoming.clone() };
    assert!(receipt(db, &tenant, ReceiptKind::Read, &[&incoming, &foreign, &unknown]).await.is_empty());
    assert_eq!(tenant.status(db, &incoming.id).await, Received);
    assert_eq!(stranger.status(db, &foreign.id).await, Queued);
}

async fn a_receipt_for_many_moves_those_that_it_can(db: &Db) {
    let tenant = Tenant::new(db).await;
    let (one, two, three) = (tenant.send(db, "a").await, tenant.send(db, "b").await, tenant.send(db, "c").await);
    receipt(db, &tenant, ReceiptKind::Read, &[&two]).await;
    let moved = receipt(db, &tenant, ReceiptKind::Delivered, &[&one, &two, &three]).await;
    assert_eq!(moved.iter().map(|row| &row.id).collect::<Vec<_>>(), [&one.id, &three.id]);
}

async fn a_receipt_for_many_moves_each_from_where_it_was(db: &Db) {
    let tenant = Tenant::new(db).await;
    let mut rows = Vec::new();
    for text in ["queued", "sent", "delivered", "sent too"] {
        rows.push(tenant.send(db, text).await);
    }
    let ended = [sent(&rows[1].id), sent(&rows[2].id), sent(&rows[3].id)];
    let ids = db.store.record_outcomes(&tenant.fence, &ended).await.unwrap();
    assert_eq!(ids, [rows[1].id.clone(), rows[2].id.clone(), rows[3].id.clone()]);
    receipt(db, &tenant, ReceiptKind::Delivered, &[&rows[2]]).await;
    let delivered = db.store.timeline(&tenant.account, &rows[2].id).await.unwrap();
    let later = Receipt {
        kind: ReceiptKind::Read,
        wa_ids: rows.iter().map(|row| row.wa_id.clone()).chain(["nobody's".to_owned()]).collect(),
        at: NOW.plus_millis(90),
    };
    let moved = db.store.record_receipt(&tenant.fence, &later).await.unwrap();
    assert_eq!(moved.iter().map(|row| &row.id).collect::<Vec<_>>(), rows.iter().map(|row| &row.id).collect::<Vec<_>>());
    for row in &rows {
        assert_eq!(tenant.status(db, &row.id).await, Read);
        assert_eq!(tenant.line(db, &row.id).await, [Queued, Sent, Delivered, Read]);
    }
    // What was told before stays as it was told.
    assert_eq!(db.store.timeline(&tenant.account, &rows[2].id).await.unwrap()[..3], delivered[..]);
    let counts = db.ints("SELECT COUNT(*) FROM events GROUP BY kind ORDER BY kind").await;
    // Delivered, read, sent once for each; every step of each among all statuses.
    assert_eq!(counts, [4, 4, 4, 16]);
    assert_eq!(db.ints("SELECT sequence FROM events ORDER BY number").await, (1..=28).collect::<Vec<_>>());
    assert!(db.store.record_receipt(&tenant.fence, &later).await.unwrap().is_empty());
}

async fn what_an_edit_of_the_same_receipt_has_changed_is_told_as_it_is_then(db: &Db) {
    let tenant = Tenant::new(db).await;
    let target = tenant.send(db, "old words").await;
    db.store.record_outcomes(&tenant.fence, &[sent(&target.id)]).await.unwrap();
    let mut edit = tenant.outgoing("new words");
    let named = Reference { whatsapp_id: target.wa_id.clone(), ..Reference::default() };
    edit.row.content = Content::Edit { text: "new words".to_owned(), target: named };
    edit.row.created_at = NOW.plus_millis(7);
    db.store.accept_message(&edit).await.unwrap();
    let before = db.ints("SELECT MAX(number) FROM events").await[0];
    let moved = receipt(db, &tenant, ReceiptKind::Delivered, &[&edit.row, &target]).await;
    assert_eq!(moved.iter().map(|row| &row.id).collect::<Vec<_>>(), [&edit.row.id, &target.id]);
    assert_eq!(moved[1].content, Content::text("new words"));
    let told = db.told(&format!("number > {before} AND {} = 'message.delivered'", db.kind())).await;
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(!told.iter().any(|data| data.contains("old words")), "{told:?}");
}
