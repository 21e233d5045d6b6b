//! Sending: what is acknowledged, refused, lost, repeated.

use serde_json::json;
use wharf_api::ErrorCode;
use wharf_api::types::message::MessageStatus;
use wharf_api::types::session::SessionStatus;
use wharf_core::engine::Engine as _;
use wharf_core::message;

use crate::harness::{ECHO, OWNER, SILENT, World, until};

const SENT: &[MessageStatus] = &[MessageStatus::Sent, MessageStatus::Delivered, MessageStatus::Read];

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_sent_delivered_and_read_and_the_phone_shows_it_once() {
    let world = World::start().await;
    let session = world.paired(OWNER).await;
    let row = world.send(&session, ECHO, "grüße 👋").await.unwrap();
    assert_eq!(row.status, MessageStatus::Sent);
    world.message(&row, &[MessageStatus::Read]).await;
    let shown = world.ledger(ECHO).await;
    let shown: Vec<_> = shown.iter().filter(|entry| entry["id"] == row.wa_id.as_str()).collect();
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0]["text"], "grüße 👋");
    assert_eq!(shown[0]["copies"], 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_texts_arrive_in_order_and_once() {
    let world = World::start().await;
    let session = world.paired(OWNER).await;
    let mut last = None;
    for n in 0..100 {
        last = Some(world.accept(&session, SILENT, &format!("text {n}")).await);
    }
    world.message(&last.unwrap(), SENT).await;
    let shown = world.ledger(SILENT).await;
    let texts: Vec<&str> = shown.iter().filter_map(|entry| entry["text"].as_str()).collect();
    assert_eq!(texts, (0..100).map(|n| format!("text {n}")).collect::<Vec<_>>());
    assert!(shown.iter().all(|entry| entry["copies"] == 1));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_fails_the_message_with_its_code() {
    let world = World::start().await;
    let session = world.paired(OWNER).await;
    let error = world.send(&session, "15550007479", "no").await.unwrap_err();
    assert!(matches!(&error, message::Error::Failed { reason, .. } if reason.contains("(479)")), "{error:?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_not_on_whatsapp_is_refused_before() {
    let world = World::start().await;
    let session = world.paired(OWNER).await;
    let error = world.send(&session, "15559999999", "nobody").await.unwrap_err();
    assert!(matches!(error, message::Error::NotOnWhatsapp), "{error:?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_that_is_held_back_does_not_hold_back_others() {
    let world = World::start().await;
    let session = world.paired(OWNER).await;
    let held = world.accept(&session, "15550007463", "held").await;
    let behind = world.accept(&session, "15550007463", "behind").await;
    let other = world.send(&session, SILENT, "past it").await.unwrap();
    world.message(&other, SENT).await;
    for row in [held, behind] {
        assert_eq!(world.message(&row, &[MessageStatus::Queued]).await.status, MessageStatus::Queued);
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overloaded_server_gets_the_same_message_again_a_little_later() {
    let world = World::start().await;
    let session = world.paired(OWNER).await;
    world.fault(json!({"action": "nack", "code": 503, "to": SILENT, "times": 1})).await;
    let row = world.send(&session, SILENT, "twice offered").await.unwrap();
    world.message(&row, SENT).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_acknowledgement_repeats_the_message_under_its_id_and_the_phone_shows_one() {
    let world = World::start().await;
    let session = world.paired(OWNER).await;
    world.control("phones/15550001002/sleep", "{}".to_owned()).await;
    world.fault(json!({"action": "swallow_ack", "to": SILENT, "times": 1})).await;
    let row = world.send(&session, SILENT, "said once").await.unwrap();
    assert_eq!(world.message(&row, SENT).await.status, MessageStatus::Sent);
    world.control("phones/15550001002/wake", "{}".to_owned()).await;
    let entry =
        until("the text to be shown", async || world.ledger(SILENT).await.into_iter().find(|entry| entry["id"] == row.wa_id.as_str()))
            .await;
    assert_eq!(entry["text"], "said once");
    assert_eq!(world.ledger(SILENT).await.len(), 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_never_acknowledged_fails_after_its_tries() {
    let world = World::start().await;
    let session = world.paired(OWNER).await;
    world.control("phones/15550001002/sleep", "{}".to_owned()).await;
    world.fault(json!({"action": "swallow_ack", "to": SILENT})).await;
    let row = world.accept(&session, SILENT, "into the void").await;
    let row = world.message(&row, &[MessageStatus::Failed]).await;
    assert_eq!(row.error, Some(ErrorCode::MessageSendingFailed));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_proves_a_message_whose_acknowledgement_was_lost() {
    let world = World::start().await;
    let session = world.paired(OWNER).await;
    world.fault(json!({"action": "swallow_ack", "to": ECHO})).await;
    let row = world.send(&session, ECHO, "proved by its receipt").await.unwrap();
    assert_eq!(row.status, MessageStatus::Sent);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_queued_when_the_process_ended_is_sent_by_the_next() {
    let mut world = World::start().await;
    let session = world.paired(OWNER).await;
    world.fault(json!({"action": "nack", "code": 503, "to": SILENT})).await;
    let row = world.accept(&session, SILENT, "later").await;
    world.engine.shutdown().await;
    world.clear_faults().await;
    world.restart().await;
    world.status(&session, SessionStatus::Connected).await;
    world.message(&row, SENT).await;
    assert_eq!(world.ledger(SILENT).await.len(), 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_that_drop_under_load_lose_nothing_and_show_nothing_twice() {
    let world = World::start().await;
    let session = world.paired(OWNER).await;
    let mut rows = Vec::new();
    for n in 0..60 {
        rows.push(world.accept(&session, SILENT, &format!("text {n}")).await);
        if n % 20 == 10 {
            world.fault(json!({"action": "drop_socket", "phone": OWNER})).await;
            world.link(&session, |link| link.status != SessionStatus::Connected).await;
            world.status(&session, SessionStatus::Connected).await;
        }
    }
    for row in &rows {
        world.message(row, SENT).await;
    }
    let shown = until("all texts to be shown", async || Some(world.ledger(SILENT).await).filter(|shown| shown.len() == 60)).await;
    let texts: Vec<&str> = shown.iter().filter_map(|entry| entry["text"].as_str()).collect();
    assert_eq!(texts, (0..60).map(|n| format!("text {n}")).collect::<Vec<_>>());
    world.end().await;
}
