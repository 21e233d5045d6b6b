//! Texts both ways, and what the people do with them.

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{ASLEEP, Device, ECHO, OWNER, READER, SILENT, Sim, until};

#[tokio::test]
async fn a_text_is_acknowledged_decrypted_and_delivered() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    let id = device.send(SILENT, "good morning").await;
    assert_eq!(device.server_ack(&id).await, None);
    device.receipt(&id, "Delivered").await;
    let entry = sim.shown(SILENT, &id).await;
    assert_eq!(entry["text"], "good morning");
    assert_eq!(entry["sender"], OWNER);
    assert_eq!(entry["copies"], 1);
    // The owner's own phone has the copy that devices send each other.
    let own = sim.shown(OWNER, &id).await;
    assert_eq!(own["chat"], SILENT);
    assert_eq!(own["fromMe"], true);
}

#[tokio::test]
async fn the_echo_reads_and_comes_back() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    let id = device.send(ECHO, "hello hello").await;
    device.receipt(&id, "Read").await;
    let (_, text) = device.inbound(None).await;
    assert_eq!(text, "hello hello");
}

#[tokio::test]
async fn a_conversation_goes_on_over_many_turns() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    for turn in 0..20 {
        device.forget_events();
        let said = format!("turn {turn}");
        device.send(ECHO, &said).await;
        assert_eq!(device.inbound(None).await.1, said);
    }
    let wire = sim.get(&format!("/control/wire/{OWNER}")).await;
    assert_eq!(wire["messages"].as_array().unwrap().len(), 20);
    assert_eq!(wire["counterReuses"], json!([]));
}

#[tokio::test]
async fn the_reader_reads_after_a_while() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    let id = device.send(READER, "take your time").await;
    device.receipt(&id, "Delivered").await;
    device.receipt(&id, "Read").await;
}

#[tokio::test]
async fn a_sleeping_phone_receives_when_it_wakes() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    let id = device.send(ASLEEP, "are you there?").await;
    assert_eq!(device.server_ack(&id).await, None);
    assert!(sim.ledger(ASLEEP, &id).await.is_empty());
    sim.post(&format!("/control/phones/{ASLEEP}/wake"), "").await;
    device.receipt(&id, "Delivered").await;
    assert_eq!(sim.shown(ASLEEP, &id).await["text"], "are you there?");
}

#[tokio::test]
async fn a_contact_writes_first_reads_and_reacts() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    let contact = "15551000042";
    let sent = sim.post(&format!("/control/phones/{contact}/send"), json!({"to": OWNER, "text": "surprise", "id": "3EB0CONTACT"})).await;
    assert_eq!(sent["id"], "3EB0CONTACT");
    let (_, text) = device.inbound(Some("3EB0CONTACT")).await;
    assert_eq!(text, "surprise");
    until("the device's delivery reached the contact", async || {
        let entry = sim.shown(contact, "3EB0CONTACT").await;
        entry["deliveredAtMs"].as_u64()
    })
    .await;

    let id = device.send(contact, "thank you").await;
    sim.shown(contact, &id).await;
    let read = sim.post(&format!("/control/phones/{contact}/read"), "").await;
    assert_eq!(read["read"], json!([id]));
    device.receipt(&id, "Read").await;
    let reaction = sim.post(&format!("/control/phones/{contact}/react"), json!({"id": id, "emoji": "👍"})).await;
    let id = reaction["id"].as_str().unwrap().to_owned();
    until("the reaction arrives", async || (device.times_inbound(&id) > 0).then_some(())).await;
}

#[tokio::test]
async fn the_same_id_twice_is_shown_once() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    device.send_as(SILENT, "once only", "3EB0TWICE").await;
    sim.shown(SILENT, "3EB0TWICE").await;
    device.send_as(SILENT, "once only", "3EB0TWICE").await;
    until("the second copy came", async || {
        let entries = sim.ledger(SILENT, "3EB0TWICE").await;
        assert_eq!(entries.len(), 1);
        (entries[0]["copies"] == 2).then_some(())
    })
    .await;
    let wire = sim.get(&format!("/control/wire/{OWNER}?id=3EB0TWICE")).await;
    assert_eq!(wire["messages"][0]["stanzas"], 2);
    assert_eq!(wire["counterReuses"], json!([]));
}

#[tokio::test]
async fn two_owners_write_to_each_other() {
    let sim = Sim::start().await;
    let other = "15550000002";
    let (one, two) = tokio::join!(Device::linked(&sim, OWNER), Device::linked(&sim, other));
    let id = one.send(other, "from one").await;
    assert_eq!(two.inbound(Some(&id)).await.1, "from one");
    one.receipt(&id, "Delivered").await;
    let id = two.send(OWNER, "from two").await;
    assert_eq!(one.inbound(Some(&id)).await.1, "from two");
}

#[tokio::test]
async fn a_text_that_is_far_too_long_is_refused_to_who_writes_it_whole_before_reading() {
    let sim = Sim::start().await;
    let send = format!("/control/phones/{OWNER}/send?to={ECHO}");
    for (host, path) in [("localhost", send.as_str()), ("localhost", "/control/nothing"), ("evil.example", send.as_str())] {
        let mut stream = TcpStream::connect(sim.control()).await.unwrap();
        let body = vec![b'a'; 9 * 1024 * 1024];
        let head = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body).await.expect("all of it can be written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 4"), "{host} {path}: {answer}");
    }
}
