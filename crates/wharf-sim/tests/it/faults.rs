//! Misbehaviour on request.

use serde_json::json;
use whatsapp_rust::types::events::Event;

use crate::harness::{Device, ECHO, OWNER, SILENT, Sim, until};

#[tokio::test]
async fn a_rule_refuses_as_often_as_it_says() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    sim.fault(json!({"action": "nack", "to": SILENT, "code": 503, "times": 1})).await;
    let id = device.send(SILENT, "first").await;
    assert_eq!(device.server_ack(&id).await.as_deref(), Some("503"));
    let id = device.send(SILENT, "second").await;
    assert_eq!(device.server_ack(&id).await, None);
    assert_eq!(sim.get("/control/faults").await, json!([]));
}

#[tokio::test]
async fn a_swallowed_acknowledgement_leaves_the_message_delivered() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    let rule = sim.fault(json!({"action": "swallow_ack", "phone": OWNER})).await;
    let id = device.send(SILENT, "unheard").await;
    device.receipt(&id, "Delivered").await;
    assert_eq!(device.count(|event| matches!(event, Event::ServerAck(ack) if ack.id == id)), 0);
    sim.delete(&format!("/control/faults/{}", rule["id"])).await;
    let id = device.send(SILENT, "heard").await;
    assert_eq!(device.server_ack(&id).await, None);
}

#[tokio::test]
async fn a_delayed_acknowledgement_comes_after_the_delivery() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    sim.fault(json!({"action": "delay_ack", "delayMs": 300, "times": 1})).await;
    let id = device.send(SILENT, "late").await;
    device.receipt(&id, "Delivered").await;
    assert_eq!(device.server_ack(&id).await, None);
}

#[tokio::test]
async fn a_dropped_socket_loses_the_acknowledgement_and_not_the_message() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    let connected = |event: &Event| matches!(event, Event::Connected(_));
    let before = device.count(connected);
    sim.fault(json!({"action": "drop_socket", "phone": OWNER, "times": 1})).await;
    device.send_as(SILENT, "cut off", "3EB0CUT").await;
    sim.shown(SILENT, "3EB0CUT").await;
    until("it is connected anew", async || (device.count(connected) > before).then_some(())).await;
    device.connected().await;
    device.send_as(SILENT, "cut off", "3EB0CUT").await;
    assert_eq!(device.server_ack("3EB0CUT").await, None);
    assert_eq!(sim.shown(SILENT, "3EB0CUT").await["copies"], 2);
}

#[tokio::test]
async fn a_stalled_connection_goes_on_where_it_stopped() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    device.send(ECHO, "before").await;
    device.inbound(None).await;
    device.forget_events();
    sim.fault(json!({"action": "stall", "phone": OWNER})).await;
    let id = device.send(ECHO, "during").await;
    assert!(sim.ledger(ECHO, &id).await.is_empty());
    sim.delete("/control/faults").await;
    assert_eq!(device.server_ack(&id).await, None);
    assert_eq!(device.inbound(None).await.1, "during");
}

#[tokio::test]
async fn a_login_is_refused_with_a_code() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    let backend = device.stop().await;
    sim.fault(json!({"action": "refuse_login", "phone": OWNER, "code": 403, "times": 1})).await;
    let device = Device::on(&sim.url, backend, None).await;
    device.event("refused", |event| matches!(event, Event::LoggedOut(_) | Event::ConnectFailure(_)).then_some(())).await;
}

#[tokio::test]
async fn a_rule_that_makes_no_sense_is_refused() {
    let sim = Sim::start().await;
    for rule in [json!({"action": "explode"}), json!({"action": "nack", "to": "nobody"}), json!({"action": "nack", "times": 0})] {
        let refused = sim.try_post("/control/faults", rule).await;
        assert_eq!(refused["error"]["code"], "invalid_request");
    }
    until("no rule was kept", async || (sim.get("/control/faults").await == json!([])).then_some(())).await;
}
