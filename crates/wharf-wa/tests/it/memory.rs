//! What a session keeps in memory of those it wrote to and heard from.

use serde_json::json;
use wharf_api::types::message::{Direction, MessageStatus};
use wharf_core::store::MessageFilter;

use crate::harness::{OWNER, SILENT, World, until};

const SENT: &[MessageStatus] = &[MessageStatus::Sent, MessageStatus::Delivered, MessageStatus::Read];

#[tokio::test(flavor = "multi_thread")]
async fn of_many_chats_eight_keep_a_task_and_no_lists_of_devices_stay_in_the_librarys_memory() {
    let world = World::start_with(|config| config.send_ack_timeout = std::time::Duration::from_secs(20)).await;
    let session = world.paired(OWNER).await;
    let people: Vec<String> = (0..12_u64).map(|n| (15_550_002_001 + n).to_string()).collect();
    let incoming = MessageFilter { direction: Some(Direction::Incoming), ..MessageFilter::default() };
    for (before, phone) in people.iter().enumerate() {
        world.phone_sends(phone, OWNER, "hello").await;
        until("the text", async || (world.messages(&incoming).await.len() > before).then_some(())).await;
        let row = world.send(&session, phone, "hello to you").await.unwrap();
        world.message(&row, SENT).await;
    }
    let members: Vec<&str> = [OWNER].into_iter().chain(people.iter().map(String::as_str)).collect();
    let group = world.control("groups", json!({"creator": SILENT, "subject": "a dozen", "members": members}).to_string()).await;
    for text in ["to all of you", "once more"] {
        let row = world.send(&session, group["id"].as_str().unwrap(), text).await.unwrap();
        world.message(&row, SENT).await;
    }
    for phone in &people {
        let last = until("the last text", async || world.ledger(phone).await.into_iter().find(|entry| entry["text"] == "once more")).await;
        assert_eq!(last["copies"], 1, "{phone}");
    }
    let report = world.engine.memory_report(&session).await.unwrap();
    assert!((1..=8).contains(&report.chat_lanes), "{}", report.chat_lanes);
    let kept = [&report.device_registry_cache, &report.dm_devices_memo, &report.group_devices_memo];
    assert_eq!(kept.map(|kept| kept.entries), [0; 3]);
    world.end().await;
}
