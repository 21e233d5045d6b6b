//! Linking and unlinking.

use serde_json::json;
use whatsapp_rust::types::events::Event;

use crate::harness::{Device, OWNER, Sim, until};

#[tokio::test]
async fn a_device_links_by_qr_and_logs_in() {
    let sim = Sim::start().await;
    let device = Device::new(&sim).await;
    let linked = sim.scan(&device.qr().await, OWNER).await;
    assert_eq!(linked["phone"], OWNER);
    device.connected().await;
    let success = device
        .event("pair success", |event| match event {
            Event::PairSuccess(success) => Some((success.id.clone(), success.lid.clone())),
            _ => None,
        })
        .await;
    assert_eq!(success.0.to_string(), linked["jid"]);
    assert_eq!(success.1.to_string(), linked["lid"]);
    until("one-time keys are uploaded", async || {
        let devices = sim.devices(OWNER).await;
        // The phone takes one of the thirty for the first thing that it tells the device.
        (devices[0]["oneTimeKeys"].as_u64()? == 29).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_device_links_by_a_typed_code() {
    let sim = Sim::start().await;
    let device = Device::with_code(&sim, OWNER, "ABCD1234").await;
    device.event("a pairing code", |event| matches!(event, Event::PairingCode(_)).then_some(())).await;
    let wrong = json!({"phone": OWNER, "code": "ABCD1235"});
    let refused = sim.try_post("/control/pair-code", wrong).await;
    assert_eq!(refused["error"]["code"], "wrong_code");
    let right = json!({"phone": OWNER, "code": "abcd-1234"});
    let linked = sim.post("/control/pair-code", right).await;
    assert_eq!(linked["phone"], OWNER);
    device.connected().await;
}

#[tokio::test]
async fn a_qr_nobody_shows_is_refused() {
    let sim = Sim::start().await;
    let refused = sim.try_post("/control/scan", "not a code").await;
    assert_eq!(refused["error"]["code"], "malformed_qr");
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let stale = format!("2@gone,{key},{key},{key},1");
    let refused = sim.try_post("/control/scan", stale).await;
    assert_eq!(refused["error"]["code"], "unknown_qr");
}

#[tokio::test]
async fn a_qr_expires_at_once_when_told_to() {
    let sim = Sim::start().await;
    sim.fault(json!({"action": "expire_qr", "times": 1})).await;
    let device = Device::new(&sim).await;
    device.event("the codes are used up", |event| matches!(event, Event::PairingQrCodesExhausted(_)).then_some(())).await;
}

#[tokio::test]
async fn a_phone_unlinks_its_device() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    let gone = sim.post(&format!("/control/phones/{OWNER}/logout"), "").await;
    assert_eq!(gone["unlinked"], json!([1]));
    device.event("logged out", |event| matches!(event, Event::LoggedOut(_)).then_some(())).await;
    assert!(sim.devices(OWNER).await.is_empty());
    // Its keys are worth nothing now.
    let backend = device.stop().await;
    let again = Device::on(&sim.url, backend, None).await;
    again
        .event("refused at login", |event| match event {
            Event::LoggedOut(logged_out) => logged_out.on_connect.then_some(()),
            _ => None,
        })
        .await;
}

#[tokio::test]
async fn a_device_unlinks_itself() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    device.client.logout().await;
    until("the server forgot the device", async || sim.devices(OWNER).await.is_empty().then_some(())).await;
}

#[tokio::test]
async fn two_devices_of_one_phone_see_each_other() {
    let sim = Sim::start().await;
    let first = Device::linked(&sim, OWNER).await;
    let second = Device::linked(&sim, OWNER).await;
    assert_eq!(sim.devices(OWNER).await.len(), 2);
    let id = first.send(crate::harness::SILENT, "to all of us").await;
    let (_, text) = second.inbound(Some(&id)).await;
    assert_eq!(text, "to all of us");
}
