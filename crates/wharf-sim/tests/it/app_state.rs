//! What the devices of one account share of its chats.

use serde_json::json;
use wacore::types::events::Event;
use whatsapp_rust::Jid;

use crate::harness::{Device, Folder, OWNER, READER, SILENT, Sim, until};

/// Whether the device was told that this chat is archived, or is no more.
fn archived(event: &Event, chat: &Jid, wanted: bool) -> Option<bool> {
    match event {
        Event::ArchiveUpdate(update) if update.jid == *chat && update.action.archived == Some(wanted) => Some(update.from_full_sync),
        _ => None,
    }
}

#[tokio::test]
async fn what_one_device_does_with_a_chat_the_others_learn_also_later_ones_and_after_a_restart() {
    let folder = Folder::new("app-state");
    let sim = Sim::open(0, Some(folder.path())).await;
    let port = sim.port();
    let (one, two) = (Device::linked(&sim, OWNER).await, Device::linked(&sim, OWNER).await);
    let chat = Jid::pn(SILENT);
    one.client.chat_actions().archive_chat(&chat, None).await.unwrap();
    two.event("the archived chat", |event| archived(event, &chat, true)).await;
    two.client.chat_actions().unarchive_chat(&chat, None).await.unwrap();
    one.event("the chat is back", |event| archived(event, &chat, false)).await;
    sim.shutdown().await;

    let sim = Sim::open(port, Some(folder.path())).await;
    one.connected().await;
    let other = Jid::pn(READER);
    until("the device can share again", async || one.client.chat_actions().archive_chat(&other, None).await.ok()).await;
    let late = Device::linked(&sim, OWNER).await;
    late.event("what was archived before", |event| archived(event, &other, true)).await;
}

#[tokio::test]
async fn two_devices_that_write_at_once_both_have_their_way() {
    let sim = Sim::start().await;
    let (one, two) = (Device::linked(&sim, OWNER).await, Device::linked(&sim, OWNER).await);
    let (first, second) = (Jid::pn(SILENT), Jid::pn(READER));
    let (a, b) = (one.client.chat_actions(), two.client.chat_actions());
    let (a, b) = tokio::join!(a.archive_chat(&first, None), b.archive_chat(&second, None));
    a.unwrap();
    b.unwrap();
    one.event("the other's chat", |event| archived(event, &second, true)).await;
    two.event("the one's chat", |event| archived(event, &first, true)).await;
}

/// What one event says of a chat or a contact.
fn shared(event: &Event) -> Option<String> {
    match event {
        Event::ContactUpdate(update) => Some(format!("{} is {}", update.jid.user, update.action.full_name.as_deref()?)),
        Event::ArchiveUpdate(update) => Some(format!("{} archived {}", update.jid.user, update.action.archived?)),
        Event::MuteUpdate(update) => Some(format!("{} muted {}", update.jid.user, update.action.muted?)),
        Event::PinUpdate(update) => Some(format!("{} pinned {}", update.jid.user, update.action.pinned?)),
        _ => None,
    }
}

async fn is_told(device: &Device, what: &str) {
    device.event(what, |event| (shared(event)? == what).then_some(())).await;
}

#[tokio::test]
async fn a_new_device_learns_what_was_done_at_the_phone_before_and_what_is_done_afterwards() {
    let folder = Folder::new("shared");
    let sim = Sim::open(0, Some(folder.path())).await;
    let path = format!("/control/phones/{OWNER}/shared");
    let before = json!({"name": "Ada", "contacts": {SILENT: "Charles Babbage"}, "archived": {SILENT: true}, "muted": {READER: true}, "pinned": {READER: true}});
    let written = sim.post(&path, before).await;
    let versions = json!({"critical_block": 1, "critical_unblock_low": 1, "regular_high": 1, "regular_low": 1});
    assert_eq!(written["versions"], versions);
    let port = sim.port();
    sim.shutdown().await;
    let sim = Sim::open(port, Some(folder.path())).await;

    let device = Device::linked(&sim, OWNER).await;
    let charles = format!("{SILENT} is Charles Babbage");
    for what in [charles, format!("{SILENT} archived true"), format!("{READER} muted true"), format!("{READER} pinned true")] {
        is_told(&device, &what).await;
    }
    until("the owner's name", async || (device.client.push_name() == "Ada").then_some(())).await;

    sim.post(&path, json!({"contacts": {SILENT: "Charles"}, "archived": {SILENT: false}})).await;
    is_told(&device, &format!("{SILENT} is Charles")).await;
    is_told(&device, &format!("{SILENT} archived false")).await;
    // The device and the phone write on top of one another.
    device.client.chat_actions().archive_chat(&Jid::pn(READER), None).await.unwrap();
    sim.post(&path, json!({"archived": {READER: false}})).await;
    is_told(&device, &format!("{READER} archived false")).await;
    device.client.chat_actions().archive_chat(&Jid::pn(SILENT), None).await.unwrap();
    let late = Device::linked(&sim, OWNER).await;
    is_told(&late, &format!("{SILENT} archived true")).await;
}

#[tokio::test]
async fn nothing_is_shared_where_nothing_is_said() {
    let sim = Sim::start().await;
    for body in ["{}", r#"{"archived": {"nobody": true}}"#, r#"{"starred": {}}"#] {
        let refused = sim.try_post(&format!("/control/phones/{OWNER}/shared"), body).await;
        assert_eq!(refused["error"]["code"], "invalid_request", "{refused}");
    }
}
