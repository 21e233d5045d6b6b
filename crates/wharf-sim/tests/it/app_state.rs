//! What the devices of one account share of its chats.

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
