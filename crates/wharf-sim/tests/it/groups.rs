//! Groups through the real client: made, changed, spoken in, left, and kept over a restart.

use std::collections::HashMap;

use serde_json::{Value, json};
use wacore::iq::groups::{GroupDescription, GroupSubject, MembershipApprovalMode};
use wacore::types::events::Event;
use whatsapp_rust::{GroupCreateOptions, GroupParticipantOptions, Jid, JoinGroupResult, PreviousDescription};

use crate::harness::{Device, ECHO, Folder, OWNER, Sim, text_message, until};

const FRIEND: &str = "15551000001";
const OTHER: &str = "15551000002";

async fn group(device: &Device, members: &[&str]) -> Jid {
    let members = members.iter().map(|number| GroupParticipantOptions::from_phone(Jid::pn(*number))).collect();
    let options = GroupCreateOptions::new("The crew").with_participants(members);
    device.client.groups().create_group(options).await.unwrap().metadata.id
}

async fn say(device: &Device, group: &Jid, text: &str) -> String {
    let sent = device.client.send_message(group.clone(), text_message(text)).await.unwrap();
    sent.message_id
}

async fn act(sim: &Sim, group: &Jid, by: &str, action: &str, numbers: &[&str]) -> Value {
    let path = format!("/control/groups/{group}/participants");
    sim.post(&path, json!({"by": by, "action": action, "numbers": numbers})).await
}

/// The participants whose receipts came, by their phone number.
fn receipts(device: &Device, id: &str, kind: &str) -> HashMap<String, usize> {
    let mut found = HashMap::new();
    device.count(|event| {
        if let Event::Receipt(receipt) = event
            && receipt.message_ids.iter().any(|known| known == id)
            && format!("{:?}", receipt.r#type) == kind
        {
            let sender = receipt.source.sender_alt.as_ref().unwrap_or(&receipt.source.sender);
            *found.entry(sender.user.to_string()).or_default() += 1;
        }
        false
    });
    found
}

#[tokio::test]
async fn a_group_is_made_and_everybody_reads_what_is_said() {
    let sim = Sim::start().await;
    let second = "15550000002";
    let (device, other) = tokio::join!(Device::linked(&sim, OWNER), Device::linked(&sim, second));
    let group = group(&device, &[FRIEND, OTHER, second, ECHO]).await;
    other.event("the invitation", |event| matches!(event, Event::GroupUpdate(update) if update.group_jid == group).then_some(())).await;

    let id = say(&device, &group, "hello all").await;
    assert_eq!(device.server_ack(&id).await, None);
    for phone in [FRIEND, OTHER, second, OWNER] {
        let entry = sim.shown(phone, &id).await;
        assert_eq!((entry["text"].as_str(), entry["chat"].as_str()), (Some("hello all"), Some(group.to_string().as_str())), "{phone}");
        assert_eq!(entry["sender"], OWNER);
        assert_eq!(entry["copies"], 1);
    }
    let message = other.event("the message", |event| find(event, &id)).await;
    assert!(message.0 && message.1 == group.to_string(), "{message:?}");
    until("all receipts", async || (receipts(&device, &id, "Delivered").len() == 4).then_some(())).await;
    until("the echo in the group", async || {
        let path = format!("/control/phones/{FRIEND}/messages?chat={group}");
        let entries = sim.get(&path).await;
        entries.as_array().unwrap().iter().find(|entry| entry["sender"] == ECHO && entry["text"] == "hello all").map(|_| ())
    })
    .await;
    let wire = sim.get(&format!("/control/wire/{OWNER}")).await;
    assert_eq!(wire["counterReuses"], json!([]));
}

/// Whether it was in a group, where, and the sender's phone number.
fn find(event: &Event, id: &str) -> Option<(bool, String, String)> {
    let Event::Messages(batch) = event else { return None };
    batch.iter().find(|inbound| inbound.info.id == id).map(|inbound| {
        let source = &inbound.info.source;
        (source.is_group, source.chat.to_string(), source.sender_alt.as_ref().map_or_else(String::new, |jid| jid.user.to_string()))
    })
}

#[tokio::test]
async fn a_person_speaks_and_the_device_hears_and_who_was_removed_hears_no_more() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    let group = group(&device, &[FRIEND, OTHER]).await;
    for turn in 0..3 {
        let text = format!("turn {turn}");
        let sent = sim.post(&format!("/control/phones/{FRIEND}/send"), json!({"to": group.to_string(), "text": text})).await;
        let id = sent["id"].as_str().unwrap().to_owned();
        let heard = device.event("the message", |event| find(event, &id)).await;
        assert_eq!(heard, (true, group.to_string(), FRIEND.to_owned()));
        assert_eq!(sim.shown(OTHER, &id).await["text"], text.as_str());
        until("the device's receipt reached the sender", async || sim.shown(FRIEND, &id).await["deliveredAtMs"].as_u64()).await;
    }
    say(&device, &group, "before").await;
    let removed = device.client.groups().remove_participants(group.clone(), &[Jid::pn(OTHER)]).await.unwrap();
    assert!(removed.iter().all(wacore::iq::groups::ParticipantChangeResponse::is_ok), "{removed:?}");
    let id = say(&device, &group, "after").await;
    assert_eq!(sim.shown(FRIEND, &id).await["text"], "after");
    let sent = sim.post(&format!("/control/phones/{FRIEND}/send"), json!({"to": group.to_string(), "text": "us two"})).await;
    let also = sent["id"].as_str().unwrap().to_owned();
    device.event("the message", |event| find(event, &also)).await;
    assert!(sim.ledger(OTHER, &id).await.is_empty());
    assert!(sim.ledger(OTHER, &also).await.is_empty());
    let refused = sim.try_post(&format!("/control/phones/{OTHER}/send"), json!({"to": group.to_string(), "text": "hey"})).await;
    assert_eq!(refused["error"]["code"], "forbidden");
}

#[tokio::test]
async fn subject_description_settings_and_ranks_change_and_are_seen() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    let id = group(&device, &[FRIEND, OTHER]).await;
    let groups = device.client.groups();
    groups.set_subject(id.clone(), GroupSubject::new("The better crew").unwrap()).await.unwrap();
    let text = GroupDescription::new("what it is for").unwrap();
    groups.set_description(id.clone(), Some(text), PreviousDescription::Resolve).await.unwrap();
    groups.set_announce(id.clone(), true).await.unwrap();
    groups.set_locked(id.clone(), true).await.unwrap();
    assert!(groups.promote_participants(id.clone(), &[Jid::pn(FRIEND)]).await.unwrap()[0].is_ok());
    let seen = groups.get_metadata(&id).await.unwrap();
    assert_eq!(seen.subject, "The better crew");
    assert_eq!(seen.description.as_deref(), Some("what it is for"));
    assert!(seen.is_announcement && seen.is_locked);
    assert_eq!(seen.participants.iter().filter(|member| member.is_admin()).count(), 2);
    assert!(seen.participants.iter().all(|member| member.phone_number.is_some()));
    let refused = sim.try_post(&format!("/control/phones/{OTHER}/send"), json!({"to": id.to_string(), "text": "hey"})).await;
    assert_eq!(refused["error"]["code"], "not-authorized");

    groups.set_description(id.clone(), None, PreviousDescription::Resolve).await.unwrap();
    assert_eq!(groups.get_metadata(&id).await.unwrap().description, None);
    assert_eq!(groups.get_participating().await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_invite_code_lets_people_in_until_it_is_replaced_and_admins_decide_where_they_are_asked() {
    let sim = Sim::start().await;
    let second = "15550000002";
    let (device, other) = tokio::join!(Device::linked(&sim, OWNER), Device::linked(&sim, second));
    let id = group(&device, &[FRIEND]).await;
    let link = device.client.groups().get_invite_link(&id, false).await.unwrap();
    let code = link.rsplit('/').next().unwrap().to_owned();
    let joined = other.client.groups().join_with_invite_code(&code).await.unwrap();
    assert!(matches!(joined, JoinGroupResult::Joined(joined) if joined == id));
    assert_eq!(other.client.groups().get_metadata(&id).await.unwrap().participants.len(), 3);
    let fresh = device.client.groups().get_invite_link(&id, true).await.unwrap();
    assert_ne!(fresh, link);
    assert!(other.client.groups().join_with_invite_code(&code).await.is_err());

    let mode = MembershipApprovalMode::On;
    device.client.groups().set_membership_approval(id.clone(), mode).await.unwrap();
    let code = fresh.rsplit('/').next().unwrap();
    assert_eq!(sim.post("/control/groups/join", json!({"phone": OTHER, "code": code})).await["joined"], false);
    let requests = device.client.groups().get_membership_requests(&id).await.unwrap();
    assert_eq!(requests.len(), 1);
    let approved = device.client.groups().approve_membership_requests(&id, &[requests[0].jid.clone()]).await.unwrap();
    assert!(approved[0].is_ok());
    act(&sim, &id, OTHER, "leave", &[]).await;
    other.client.groups().leave(id.clone()).await.unwrap();
    assert!(other.client.groups().get_metadata(&id).await.is_err());
}

#[tokio::test]
async fn a_group_addressed_by_numbers_works_too() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    let made = sim.post("/control/groups", json!({"creator": FRIEND, "subject": "Old", "members": [OWNER, OTHER], "byNumber": true})).await;
    let id: Jid = made["id"].as_str().unwrap().parse().unwrap();
    let sent = say(&device, &id, "as of old").await;
    assert_eq!(sim.shown(OTHER, &sent).await["text"], "as of old");
    let heard = sim.post(&format!("/control/phones/{OTHER}/send"), json!({"to": id.to_string(), "text": "indeed"})).await;
    let heard = heard["id"].as_str().unwrap().to_owned();
    device.event("the answer", |event| find(event, &heard)).await;
}

#[tokio::test]
async fn a_phone_that_lost_the_keys_of_a_group_asks_for_the_message_and_gets_it() {
    let folder = Folder::new("lost-keys");
    let sim = Sim::open(0, Some(folder.path())).await;
    let device = Device::linked(&sim, OWNER).await;
    let id = group(&device, &[FRIEND, OTHER]).await;
    let first = say(&device, &id, "with keys").await;
    sim.shown(FRIEND, &first).await;
    let sent = sim.post(&format!("/control/phones/{FRIEND}/send"), json!({"to": id.to_string(), "text": "my key"})).await;
    let sent = sent["id"].as_str().unwrap().to_owned();
    device.event("the message", |event| find(event, &sent)).await;

    let (port, backend) = (sim.port(), device.stop().await);
    sim.shutdown().await;
    let file = folder.path().join(format!("accounts/{FRIEND}.json"));
    let mut account: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert!(!account["phone"]["sender_keys"].as_object().unwrap().is_empty());
    account["phone"]["sender_keys"] = json!({});
    std::fs::write(&file, account.to_string()).unwrap();
    let sim = Sim::open(port, Some(folder.path())).await;
    let device = Device::on(&sim.url, backend, None).await;
    device.connected().await;

    // The device believes that the phone has its key, and the phone that the device has its own.
    let second = say(&device, &id, "without keys").await;
    assert_eq!(sim.shown(OTHER, &second).await["text"], "without keys");
    let entry = sim.shown(FRIEND, &second).await;
    assert_eq!((entry["text"].as_str(), entry["chat"].as_str()), (Some("without keys"), Some(id.to_string().as_str())));
    let sent = sim.post(&format!("/control/phones/{FRIEND}/send"), json!({"to": id.to_string(), "text": "a new key"})).await;
    let sent = sent["id"].as_str().unwrap().to_owned();
    device.event("the message", |event| find(event, &sent)).await;
}

#[tokio::test]
async fn groups_their_keys_and_pictures_are_kept_over_a_restart() {
    let folder = Folder::new("groups");
    let sim = Sim::open(0, Some(folder.path())).await;
    let device = Device::linked(&sim, OWNER).await;
    let id = group(&device, &[FRIEND, OTHER]).await;
    let first = say(&device, &id, "one").await;
    sim.shown(FRIEND, &first).await;
    let sent = sim.post(&format!("/control/phones/{FRIEND}/send"), json!({"to": id.to_string(), "text": "two"})).await;
    let sent = sent["id"].as_str().unwrap().to_owned();
    device.event("the message", |event| find(event, &sent)).await;
    device.client.groups().set_profile_picture(id.clone(), b"not really a picture".to_vec()).await.unwrap();
    let picture = device.client.contacts().get_profile_picture(&id, true).await.unwrap().unwrap();

    let (port, backend) = (sim.port(), device.stop().await);
    sim.shutdown().await;
    let sim = Sim::open(port, Some(folder.path())).await;
    let device = Device::on(&sim.url, backend, None).await;
    device.connected().await;
    let third = say(&device, &id, "three").await;
    assert_eq!(sim.shown(OTHER, &third).await["text"], "three");
    let sent = sim.post(&format!("/control/phones/{FRIEND}/send"), json!({"to": id.to_string(), "text": "four"})).await;
    let sent = sent["id"].as_str().unwrap().to_owned();
    device.event("the message", |event| find(event, &sent)).await;
    let again = device.client.contacts().get_profile_picture(&id, true).await.unwrap().unwrap();
    assert_eq!(again.id, picture.id);
    assert!(sim.get("/control/stats").await["phones"].as_u64().unwrap() >= 3);
}
