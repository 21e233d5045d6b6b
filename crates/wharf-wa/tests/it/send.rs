//! Sending: what is acknowledged, refused, lost, repeated.

use serde_json::json;
use wharf_api::types::hold::HoldReason;
use wharf_api::types::message::MessageStatus;
use wharf_api::types::session::SessionStatus;
use wharf_api::{ErrorCode, limits};
use wharf_core::engine::Engine as _;
use wharf_core::message;
use wharf_core::store::{HoldStore, MessageRow};

use crate::harness::{ECHO, OWNER, SILENT, World, until};

const SENT: &[MessageStatus] = &[MessageStatus::Sent, MessageStatus::Delivered, MessageStatus::Read];

/// One whose tries wait so long for an acknowledgement. By default it is a second, after which a slow machine sees one try more.
async fn patient(seconds: u64) -> World {
    World::start_with(move |config| config.send_ack_timeout = std::time::Duration::from_secs(seconds)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_sent_delivered_and_read_and_the_phone_shows_it_once() {
    let world = patient(20).await;
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
    let world = patient(20).await;
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
    assert!(matches!(error, message::Error::NotOnWhatsapp { .. }), "{error:?}");
    world.end().await;
}

/// How often the network saw the message.
async fn tries(world: &World, row: &MessageRow) -> u64 {
    let wire = world.get(&format!("wire/{OWNER}?id={}", row.wa_id)).await;
    wire["messages"].as_array().unwrap().iter().map(|message| message["stanzas"].as_u64().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_first_contact_holds_first_contacts_back_and_nobody_else() {
    let mut world = World::start().await;
    let session = world.paired(OWNER).await;
    world.send(&session, SILENT, "an old acquaintance").await.unwrap();
    let held = world.accept(&session, "15550007463", "held").await;
    let behind = world.accept(&session, "15550007463", "behind").await;
    until("it was tried", async || (tries(&world, &held).await > 0).then_some(())).await;
    let stranger = world.accept(&session, "15550002001", "a stranger").await;
    let other = world.send(&session, SILENT, "past it").await.unwrap();
    world.message(&other, SENT).await;
    // Tried again after its pause, and still alone; a new process goes on where this one was.
    until("it was tried again", async || (tries(&world, &held).await > 1).then_some(())).await;
    world.restart().await;
    world.status(&session, SessionStatus::Connected).await;
    let hold = until("the hold is shown", async || message::hold::on(&world.services, &stranger).await.unwrap()).await;
    assert_eq!(hold.reason, HoldReason::ReachoutTimelock);
    until("it was tried after the restart", async || (tries(&world, &held).await > 2).then_some(())).await;
    for row in [&held, &behind, &stranger] {
        assert_eq!(world.message(row, &[MessageStatus::Queued]).await.status, MessageStatus::Queued);
    }
    assert_eq!((tries(&world, &behind).await, tries(&world, &stranger).await), (0, 0));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn first_contacts_go_out_once_one_of_them_goes_through() {
    let world = patient(20).await;
    let session = world.paired(OWNER).await;
    world.fault(json!({"action": "nack", "to": "15550002001", "code": 475, "times": 2})).await;
    let refused = world.accept(&session, "15550002001", "refused twice").await;
    until("it was tried", async || (tries(&world, &refused).await > 0).then_some(())).await;
    let waiting = world.accept(&session, "15550002002", "waits with it").await;
    world.message(&refused, SENT).await;
    world.message(&waiting, SENT).await;
    assert_eq!(tries(&world, &refused).await, 3);
    assert_eq!(message::hold::on(&world.services, &waiting).await.unwrap(), None);
    until("nothing is held any more", async || world.store.list_holds(&session).await.unwrap().is_empty().then_some(())).await;
    for (phone, text) in [("15550002001", "refused twice"), ("15550002002", "waits with it")] {
        let shown = world.ledger(phone).await;
        assert_eq!((shown.len(), &shown[0]["text"], &shown[0]["copies"]), (1, &json!(text), &json!(1)));
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

/// Whoever asks waits for a second and asks anew, as the look for sessions of suspended accounts does.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_message_is_never_acknowledged_ends_however_often_it_is_asked_to() {
    let world = patient(3_600).await;
    let session = world.paired(OWNER).await;
    world.control("phones/15550001002/sleep", "{}".to_owned()).await;
    world.fault(json!({"action": "swallow_ack", "to": SILENT, "times": 1})).await;
    world.accept(&session, SILENT, "into the void").await;
    until("the text to be on the wire", async || world.get("faults").await.as_array().unwrap().is_empty().then_some(())).await;
    let second = std::time::Duration::from_secs(1);
    until("the session to end", async || tokio::time::timeout(second, world.engine.release(&session)).await.ok()).await;
    assert!(!world.engine.runs(&session));
    world.end().await;
}

/// The connection is lost as often as a message may be tried, each time before the message is on it.
#[tokio::test(flavor = "multi_thread")]
async fn tries_that_never_reached_the_wire_do_not_use_a_message_up() {
    let world = patient(20).await;
    let session = world.paired(OWNER).await;
    world.fault(json!({"action": "drop_on_keys", "to": "15550002003", "times": limits::SEND_ATTEMPTS})).await;
    let row = world.accept(&session, "15550002003", "at last").await;
    let row = world.message(&row, &[MessageStatus::Failed, MessageStatus::Sent, MessageStatus::Delivered]).await;
    assert_ne!(row.status, MessageStatus::Failed, "{:?}", row.error_reason);
    let left = world.get("faults").await;
    assert!(left.as_array().unwrap().is_empty(), "every loss has happened: {left}");
    assert_eq!(tries(&world, &row).await, 1);
    let shown = world.ledger("15550002003").await;
    assert_eq!((shown.len(), &shown[0]["copies"]), (1, &json!(1)));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_lost_on_its_way_is_sent_again_and_shown_once() {
    let world = patient(5).await;
    let session = world.paired(OWNER).await;
    world.fault(json!({"action": "drop_message", "to": SILENT, "times": 1})).await;
    let row = world.send(&session, SILENT, "lost once").await.unwrap();
    world.message(&row, SENT).await;
    assert_eq!(tries(&world, &row).await, 1, "the network saw the second one alone");
    let shown = world.ledger(SILENT).await;
    assert_eq!((shown.len(), &shown[0]["text"], &shown[0]["copies"]), (1, &json!("lost once"), &json!(1)));
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
            world.drop_socket(&session, OWNER).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_large_group_has_the_time_that_the_keys_of_its_members_take_and_a_chat_with_one_person_has_not() {
    // A hundred members add five seconds.
    let world = World::start_with(|config| config.write_limit = std::time::Duration::from_secs(1)).await;
    let session = world.paired(OWNER).await;
    let members: Vec<String> = std::iter::once(OWNER.to_owned()).chain((0..99_u64).map(|n| (15_550_002_001 + n).to_string())).collect();
    let group = world.control("groups", json!({"creator": SILENT, "subject": "a crowd", "members": members}).to_string()).await;
    let group = group["id"].as_str().unwrap();
    world.fault(json!({"action": "delay_keys", "delayMs": 1500})).await;
    let row = world.accept(&session, group, "to everybody").await;
    world.message(&row, SENT).await;
    assert_eq!(world.services.meter.sends.retried.read(), 0, "at the first try");

    let row = world.accept(&session, ECHO, "to one").await;
    until("a try that was too slow", async || (world.services.meter.sends.retried.read() > 0).then_some(())).await;
    world.clear_faults().await;
    world.message(&row, SENT).await;
    world.end().await;
}
