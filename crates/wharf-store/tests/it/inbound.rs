use futures::future::join_all;
use wharf_api::types::message::MessageStatus::Received;
use wharf_core::store::{Inbound, MessageRow, MessageStore};

use crate::harness::{Db, both_backends};
use crate::tenant::Tenant;

both_backends!(
    an_incoming_message_is_stored_and_announced,
    a_repeat_is_stored_and_announced_once,
    the_same_id_from_another_sender_chat_or_session_is_another_message,
    a_message_without_a_sender_is_stored_once_too,
    repeats_that_come_at_once_are_stored_once,
    an_outgoing_message_with_the_same_id_does_not_hide_an_incoming_one,
);

async fn an_incoming_message_is_stored_and_announced(db: &Db) {
    let tenant = Tenant::new(db).await;
    let row = tenant.incoming("1@lid", "A");
    let inbound = db.store.record_inbound(&tenant.fence, std::slice::from_ref(&row)).await.unwrap();
    assert_eq!(inbound, Inbound { inserted: vec![row.id.clone()] });
    assert_eq!(db.store.find_message(&tenant.account, &row.id).await.unwrap(), Some(row.clone()));
    assert_eq!(tenant.line(db, &row.id).await, [Received]);
    assert_eq!(db.texts("SELECT kind FROM events").await, ["message.received"]);
}

async fn a_repeat_is_stored_and_announced_once(db: &Db) {
    let tenant = Tenant::new(db).await;
    let (a, b) = (tenant.incoming("1@lid", "A"), tenant.incoming("1@lid", "B"));
    let again = tenant.incoming("1@lid", "A");
    let inbound = db.store.record_inbound(&tenant.fence, &[a.clone(), again.clone(), b.clone()]).await.unwrap();
    assert_eq!(inbound.inserted, [a.id.clone(), b.id.clone()]);
    let inbound = db.store.record_inbound(&tenant.fence, &[again.clone(), a.clone()]).await.unwrap();
    assert!(inbound.inserted.is_empty());
    assert!(db.store.find_message(&tenant.account, &again.id).await.unwrap().is_none());
    assert_eq!(db.ints("SELECT COUNT(*) FROM messages").await, [2]);
    assert_eq!(db.ints("SELECT sequence FROM events ORDER BY number").await, [1, 2]);
}

async fn the_same_id_from_another_sender_chat_or_session_is_another_message(db: &Db) {
    let (tenant, stranger) = (Tenant::new(db).await, Tenant::new(db).await);
    let first = tenant.incoming("1@lid", "A");
    let sender = tenant.incoming("2@lid", "A");
    let chat = MessageRow { chat: "120363@g.us".to_owned(), ..tenant.incoming("1@lid", "A") };
    let inbound = db.store.record_inbound(&tenant.fence, &[first, sender, chat]).await.unwrap();
    assert_eq!(inbound.inserted.len(), 3);
    let inbound = db.store.record_inbound(&stranger.fence, &[stranger.incoming("1@lid", "A")]).await.unwrap();
    assert_eq!(inbound.inserted.len(), 1);
}

async fn a_message_without_a_sender_is_stored_once_too(db: &Db) {
    let tenant = Tenant::new(db).await;
    let row = || MessageRow { sender: None, ..tenant.incoming("", "A") };
    let inbound = db.store.record_inbound(&tenant.fence, &[row(), row()]).await.unwrap();
    assert_eq!(inbound.inserted.len(), 1);
}

async fn repeats_that_come_at_once_are_stored_once(db: &Db) {
    let tenant = Tenant::new(db).await;
    let batches: Vec<Vec<MessageRow>> = (0..10).map(|_| ["A", "B", "C"].map(|wa_id| tenant.incoming("1@lid", wa_id)).to_vec()).collect();
    let results = join_all(batches.iter().map(|batch| db.store.record_inbound(&tenant.fence, batch))).await;
    let inserted: usize = results.into_iter().map(|result| result.unwrap().inserted.len()).sum();
    assert_eq!(inserted, 3);
    assert_eq!(db.ints("SELECT COUNT(*) FROM messages").await, [3]);
    assert_eq!(db.ints("SELECT COUNT(*) FROM events").await, [3]);
}

async fn an_outgoing_message_with_the_same_id_does_not_hide_an_incoming_one(db: &Db) {
    let tenant = Tenant::new(db).await;
    let outgoing = tenant.send(db, "to myself").await;
    let echo = MessageRow { chat: outgoing.chat.clone(), ..tenant.incoming("1@lid", &outgoing.wa_id) };
    let inbound = db.store.record_inbound(&tenant.fence, &[echo]).await.unwrap();
    assert_eq!(inbound.inserted.len(), 1);
}
