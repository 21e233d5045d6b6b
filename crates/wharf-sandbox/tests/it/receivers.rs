//! The receivers that the examples show, as their readers run them: each with the published library of its language.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::harness::{Api, Backend, World};

const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// A copy of an example, in a folder that its language's installer may fill.
fn copy_of(language: &str, files: &[&str]) -> PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/receivers").join(language);
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("receivers").join(language);
    std::fs::create_dir_all(&to).unwrap();
    for file in files {
        std::fs::copy(from.join(file), to.join(file)).unwrap();
    }
    to
}

async fn install(command: &mut Command) {
    let done = command.stdin(Stdio::null()).output().await.expect("the installer starts");
    assert!(done.status.success(), "{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
}

/// Starts the receiver, registers it, and has it take an event and refuse a forged one.
async fn serves(world: &World, command: &mut Command) {
    let (_child, mut lines) = start(command);
    let first = lines.next_line().await.unwrap().expect("it says where it listens");
    let url = format!("http://127.0.0.1:{}/", first.rsplit(' ').next().unwrap());
    let api = world.api();
    let webhook = api.post("/v1/webhooks", &json!({"url": url, "events": ["session.qr"], "secret": SECRET})).await;
    assert_eq!(webhook.ok(201)["secret"], SECRET);
    expect(&mut lines, " webhook.test").await;
    let session = api.post("/v1/sessions", &json!({"name": "received"})).await.ok(201)["sessionId"].as_str().unwrap().to_owned();
    expect(&mut lines, " session.qr").await;
    // Its code would be renewed, which is a line that nobody expects, here or at the next receiver.
    api.delete(&format!("/v1/sessions/{session}")).await.ok(200);
    let forged = Api::new(&url, "")
        .request("POST", "/")
        .header("webhook-id", "evt_1")
        .header("webhook-timestamp", "1")
        .header("webhook-signature", "v1,AAAA");
    assert_eq!(forged.body("{}").send().await.unwrap().status(), 400);
    expect(&mut lines, "refused").await;
    api.delete(&format!("/v1/webhooks/{}", webhook.data()["webhookId"].as_str().unwrap())).await.ok(200);
}

fn start(command: &mut Command) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child =
        command.env("SECRET", SECRET).env("PORT", "0").stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

async fn expect(lines: &mut Lines<BufReader<ChildStdout>>, words: &str) {
    let line = tokio::time::timeout(crate::harness::PATIENCE, lines.next_line()).await.expect("a line in time").unwrap().unwrap();
    assert!(line.contains(words), "{words} is expected: {line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_in_each_language_takes_what_is_signed_and_refuses_what_is_forged() {
    let world = World::start(Backend::Sqlite).await;
    let example = PathBuf::from(env!("CARGO_BIN_EXE_wharf-sandbox")).with_file_name("examples").join("receiver");
    serves(&world, &mut Command::new(example)).await;

    let node = copy_of("node", &["package.json", "receiver.js"]);
    install(Command::new("npm").args(["install", "--no-audit", "--no-fund"]).current_dir(&node)).await;
    serves(&world, Command::new("node").arg("receiver.js").current_dir(&node)).await;

    let python = copy_of("python", &["requirements.txt", "receiver.py"]);
    install(
        Command::new("python3")
            .args(["-m", "pip", "install", "--quiet", "--upgrade", "--target", "packages", "-r", "requirements.txt"])
            .current_dir(&python),
    )
    .await;
    serves(&world, Command::new("python3").arg("receiver.py").env("PYTHONPATH", "packages").current_dir(&python)).await;
}
