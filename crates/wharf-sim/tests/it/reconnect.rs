//! Coming back: by IK, with what waited, and when somebody else is there already.

use std::sync::Arc;

use serde_json::{Value, json};
use whatsapp_rust::types::events::Event;

use crate::harness::{Device, ECHO, OWNER, SILENT, Sim, until};

#[tokio::test]
async fn a_known_device_reconnects_by_ik() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    let before = sim.get("/control/stats").await["handshakes"].clone();
    device.forget_events();
    sim.fault(json!({"action": "drop_socket", "phone": OWNER})).await;
    device.connected().await;
    let after = sim.get("/control/stats").await["handshakes"].clone();
    assert_eq!(after["xx"], before["xx"]);
    assert_eq!(after["ik"].as_u64().unwrap(), before["ik"].as_u64().unwrap() + 1);
    let id = device.send(ECHO, "back again").await;
    assert_eq!(device.server_ack(&id).await, None);
}

#[tokio::test]
async fn what_came_while_away_waits() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    let backend = device.stop().await;
    for n in 0..12 {
        sim.post(
            &format!("/control/phones/{SILENT}/send"),
            json!({"to": OWNER, "text": format!("while away {n}"), "id": format!("3EB0AWAY{n}")}),
        )
        .await;
    }
    let device = Device::on(&sim.url, backend, None).await;
    device.connected().await;
    for n in 0..12 {
        let (_, text) = device.inbound(Some(&format!("3EB0AWAY{n}"))).await;
        assert_eq!(text, format!("while away {n}"));
    }
    device
        .event("the preview of what waited", |event| match event {
            Event::OfflineSyncPreview(preview) => (preview.messages == 12).then_some(()),
            _ => None,
        })
        .await;
    until("all are acknowledged", async || {
        let records = inbound_acks(&sim).await;
        records.iter().all(|record| record["acked"] == true).then_some(())
    })
    .await;
    until("none is kept", async || (sim.devices(OWNER).await[0]["pending"] == 0).then_some(())).await;
}

async fn inbound_acks(sim: &Sim) -> Vec<Value> {
    let path = format!("/control/phones/{OWNER}/inbound-acks");
    sim.get(&path).await["messages"].as_array().unwrap().clone()
}

#[tokio::test]
async fn what_was_not_acknowledged_comes_again() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    sim.fault(json!({"action": "stall", "phone": OWNER})).await;
    sim.post(&format!("/control/phones/{SILENT}/send"), json!({"to": OWNER, "text": "do not lose me", "id": "3EB0AGAIN"})).await;
    let record = inbound_acks(&sim).await.remove(0);
    assert_eq!(record["acked"], false);
    sim.fault(json!({"action": "drop_socket", "phone": OWNER})).await;
    let backend = device.stop().await;
    sim.delete("/control/faults").await;
    let device = Device::on(&sim.url, backend, None).await;
    let (_, text) = device.inbound(Some("3EB0AGAIN")).await;
    assert_eq!(text, "do not lose me");
    until("it is acknowledged now", async || (inbound_acks(&sim).await[0]["acked"] == true).then_some(())).await;
}

#[tokio::test]
async fn a_second_login_replaces_the_first() {
    let sim = Sim::start().await;
    let first = Device::linked(&sim, OWNER).await;
    let second = Device::on(&sim.url, Arc::clone(&first.backend), None).await;
    second.connected().await;
    first.event("replaced", |event| matches!(event, Event::StreamReplaced(_)).then_some(())).await;
    assert_eq!(sim.devices(OWNER).await.len(), 1);
}

#[tokio::test]
async fn a_device_that_lost_its_session_is_sent_the_message_again() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    device.send(ECHO, "opens a session").await;
    device.inbound(None).await;
    let backend = device.stop().await;
    for address in [format!("{ECHO}@c.us.0"), format!("77{ECHO}@lid.0")] {
        backend.delete_session(&address).await.unwrap();
    }
    let device = Device::on(&sim.url, backend, None).await;
    device.connected().await;
    sim.post(&format!("/control/phones/{ECHO}/send"), json!({"to": OWNER, "text": "can you read me?", "id": "3EB0LOST"})).await;
    assert_eq!(device.inbound(Some("3EB0LOST")).await.1, "can you read me?");
}
