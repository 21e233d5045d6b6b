//! The network itself goes away and comes back.

use serde_json::json;

use crate::harness::{ASLEEP, Device, ECHO, Folder, OWNER, SILENT, Sim, until};

#[tokio::test]
async fn a_restart_needs_no_new_pairing() {
    let folder = Folder::new("restart");
    let sim = Sim::open(0, Some(folder.path())).await;
    let port = sim.port();
    let device = Device::linked(&sim, OWNER).await;
    let asleep = device.send(ASLEEP, "sleep well").await;
    assert_eq!(device.server_ack(&asleep).await, None);
    let seen = device.send(SILENT, "remember me").await;
    sim.shown(SILENT, &seen).await;
    device.forget_events();
    sim.shutdown().await;

    let sim = Sim::open(port, Some(folder.path())).await;
    device.connected().await;
    let stats = sim.get("/control/stats").await;
    assert_eq!(stats["handshakes"]["ik"], 1, "the server's keys are stable");
    device.send(ECHO, "still here").await;
    assert_eq!(device.inbound(None).await.1, "still here");
    assert_eq!(sim.shown(SILENT, &seen).await["text"], "remember me");
    sim.post(&format!("/control/phones/{ASLEEP}/wake"), "").await;
    assert_eq!(sim.shown(ASLEEP, &asleep).await["text"], "sleep well");
}

#[tokio::test]
async fn an_offline_queue_survives_a_restart() {
    let folder = Folder::new("queue");
    let sim = Sim::open(0, Some(folder.path())).await;
    let device = Device::linked(&sim, OWNER).await;
    let backend = device.stop().await;
    sim.post(&format!("/control/phones/{SILENT}/send"), json!({"to": OWNER, "text": "kept", "id": "3EB0KEPT"})).await;
    sim.shutdown().await;
    let sim = Sim::open(0, Some(folder.path())).await;
    let device = Device::on(&sim.url, backend, None).await;
    assert_eq!(device.inbound(Some("3EB0KEPT")).await.1, "kept");
}

#[tokio::test]
async fn after_a_kill_the_phones_still_talk() {
    let folder = Folder::new("kill");
    let sim = Sim::open(0, Some(folder.path())).await;
    let device = Device::linked(&sim, OWNER).await;
    device.send(ECHO, "before").await;
    device.inbound(None).await;
    let file = folder.path().join(format!("accounts/{ECHO}.json"));
    until("the echo is on disk", async || file.exists().then_some(())).await;
    let backend = device.stop().await;
    sim.shutdown().await;
    // A clean stop takes the mark away; a kill leaves it.
    std::fs::write(folder.path().join("running"), "").unwrap();

    let sim = Sim::open(0, Some(folder.path())).await;
    let device = Device::on(&sim.url, backend, None).await;
    device.connected().await;
    let id = device.send(ECHO, "after").await;
    let entry = sim.shown(ECHO, &id).await;
    assert_eq!(entry["text"], "after");
    let (_, text) = device.inbound(None).await;
    assert_eq!(text, "after");
}

#[tokio::test]
async fn the_real_client_falls_back_when_the_server_has_a_new_key() {
    let folder = Folder::new("new-key");
    let sim = Sim::open(0, Some(folder.path())).await;
    let port = sim.port();
    let device = Device::linked(&sim, OWNER).await;
    device.forget_events();
    sim.shutdown().await;
    std::fs::remove_file(folder.path().join("network.json")).unwrap();

    let sim = Sim::open(port, Some(folder.path())).await;
    device.connected().await;
    let stats = sim.get("/control/stats").await;
    assert_eq!(stats["handshakes"]["xxFallback"], 1);
    let id = device.send(SILENT, "under the new key").await;
    assert_eq!(device.server_ack(&id).await, None);
}

#[tokio::test]
async fn connections_that_say_nothing_do_not_hold_up_the_end() {
    let sim = Sim::start().await;
    let address = format!("127.0.0.1:{}", sim.port());
    let silent = tokio::net::TcpStream::connect(&address).await.unwrap();
    let mut begun = tokio::net::TcpStream::connect(&address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut begun, b"GET /r").await.unwrap();
    until("both are taken", async || (sim.get("/control/stats").await["connected"] == 2).then_some(())).await;
    tokio::time::timeout(std::time::Duration::from_secs(20), sim.shutdown()).await.expect("the network ends");
    drop((silent, begun));
}
