//! `wharf listen`: the developer's ear, and the hand that passes things on.

use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::harness::{Backend, Hook, Mode, World, eventually, process};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_heard_is_shown_and_handed_on_signed_also_after_the_gateway_was_away() {
    let mut world = World::start(Backend::Sqlite).await;
    let hook = Hook::start().await;
    hook.set("/dev", Mode::Answer(202));
    let api = world.api();
    let mut child = Command::new(process::program("wharf"))
        .args([
            "listen",
            "--url",
            &api.base,
            "--api-key",
            &api.key,
            "--after",
            "oldest",
            "--events",
            "session.qr,session.status",
            "--forward",
            &hook.url("/dev"),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next_line().await.unwrap().unwrap();
    let secret = first.rsplit(' ').next().unwrap().to_owned();
    api.post("/v1/sessions", &json!({"name": "heard"})).await.ok(201);
    let got = eventually("it is handed on", async || {
        let got = hook.got("/dev");
        got.iter().find(|got| got.kind() == "session.qr").cloned().ok_or(format!("{}", got.len()))
    })
    .await;
    assert!(got.verifies(&secret));
    let shown = lines.next_line().await.unwrap().unwrap();
    assert!(shown.contains("session.") && shown.contains("evt_"), "{shown}");
    assert!(lines.next_line().await.unwrap().unwrap().contains("-> 202"));
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });

    // The gateway goes away and comes back at the same place: what happened meanwhile is heard, and nothing twice.
    let port = api.base.rsplit(':').next().unwrap().to_owned();
    world.kill_gateway().await;
    world.start_gateway_at(&port, &[]).await;
    let session = world.api().post("/v1/sessions", &json!({"name": "after"})).await.ok(201)["sessionId"].clone();
    eventually("the later session is heard", async || {
        let got = hook.got("/dev");
        got.iter().any(|got| got.event()["sessionId"] == session).then_some(()).ok_or(format!("{}", got.len()))
    })
    .await;
    let got = hook.got("/dev");
    let ids: std::collections::BTreeSet<_> = got.iter().map(|got| got.id().to_owned()).collect();
    assert_eq!(ids.len(), got.len(), "nothing is handed on twice");

    let refused =
        Command::new(process::program("wharf")).args(["listen", "--url", &world.api().base, "--api-key", "x"]).output().await.unwrap();
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("401"));
}
