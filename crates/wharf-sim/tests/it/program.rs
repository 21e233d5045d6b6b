//! The network as a program of its own: its first line, a clean end, and a kill.

use crate::harness::{Device, ECHO, Folder, OWNER, SILENT, Sim, until};

#[tokio::test]
async fn the_program_ends_cleanly_and_remembers() {
    let folder = Folder::new("program");
    let sim = Sim::program(0, Some(folder.path()));
    let port = sim.port();
    let device = Device::linked(&sim, OWNER).await;
    let id = device.send(SILENT, "over the process border").await;
    sim.shown(SILENT, &id).await;
    device.forget_events();
    assert!(sim.terminate(), "a clean end");
    assert!(!folder.path().join("running").exists());

    let sim = Sim::program(port, Some(folder.path()));
    device.connected().await;
    assert_eq!(sim.shown(SILENT, &id).await["text"], "over the process border");
}

#[tokio::test]
async fn after_a_real_kill_nothing_has_to_be_paired_again() {
    let folder = Folder::new("program-kill");
    let sim = Sim::program(0, Some(folder.path()));
    let port = sim.port();
    let device = Device::linked(&sim, OWNER).await;
    device.send(ECHO, "before").await;
    device.inbound(None).await;
    let file = folder.path().join(format!("accounts/{OWNER}.json"));
    until("the link is on disk", async || {
        let text = std::fs::read_to_string(&file).ok()?;
        text.contains("\"key_share_sent\":true").then_some(())
    })
    .await;
    device.forget_events();
    sim.kill();
    assert!(folder.path().join("running").exists());

    let sim = Sim::program(port, Some(folder.path()));
    device.connected().await;
    for turn in 0..3 {
        device.forget_events();
        let said = format!("after {turn}");
        let id = device.send(ECHO, &said).await;
        assert_eq!(sim.shown(ECHO, &id).await["text"], said);
        assert_eq!(sim.shown(OWNER, &id).await["chat"], ECHO);
        assert_eq!(device.inbound(None).await.1, said);
    }
}
