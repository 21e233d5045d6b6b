//! What the sandbox tells while it runs: each event as a line of JSON, or nothing; and which version it is.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::harness::process::{fresh_dir, program};
use crate::harness::{Api, ECHO, PATIENCE, eventually};
use crate::programs::{at_a_terminal, release_program, until};

/// A session is made, scanned, and sends a text whose answer comes back. Answers the session's id and its QR code.
async fn first_text(api: &Api, control: &Api) -> (String, String) {
    let created = api.post("/v1/sessions", &json!({"name": "told"})).await;
    let word = |name: &str| created.ok(201)[name].as_str().unwrap().to_owned();
    let (session, qr) = (word("sessionId"), word("qr"));
    control.post_text("/control/scan", &qr).await;
    eventually("connected", async || {
        let shown = api.get(&format!("/v1/sessions/{session}")).await;
        (shown.data()["status"] == "connected").then_some(()).ok_or(format!("{shown:?}"))
    })
    .await;
    api.post("/v1/messages/text", &json!({"sessionId": session, "to": ECHO, "text": "told to whom"})).await.ok(201);
    eventually("the answer is in the log", async || {
        let list = api.get("/v1/messages?direction=incoming").await;
        list.data().as_array().is_some_and(|rows| !rows.is_empty()).then_some(()).ok_or(format!("{list:?}"))
    })
    .await;
    (session, qr)
}

#[tokio::test(flavor = "multi_thread")]
async fn with_json_each_step_of_the_first_text_is_a_line_with_its_event() {
    let dir = fresh_dir();
    let (_sandbox, mut lines) = at_a_terminal(&["--json", "--port", "0", "--data-dir", dir.to_str().unwrap()]);
    let ready: Value = serde_json::from_str(&until(&mut lines, "apiKey").await).unwrap();
    let text = |name: &str| ready[name].as_str().unwrap_or_else(|| panic!("{name} in {ready}"));
    let (session, qr) = first_text(&Api::new(text("url"), text("apiKey")), &Api::new(text("controlUrl"), "")).await;

    let mut missing = vec![
        ("the session is made, with its QR code", "session.qr", json!({"sessionId": session, "qr": qr})),
        ("it is scanned", "session.status", json!({"sessionId": session, "status": "connecting"})),
        ("it is linked", "session.connected", json!({"sessionId": session, "status": "connected"})),
        ("the text goes out", "message.sent", json!({"sessionId": session, "status": "sent", "text": "told to whom"})),
        ("the answer comes", "message.received", json!({"sessionId": session, "status": "received", "type": "text"})),
    ];
    let mut told = String::new();
    while !missing.is_empty() {
        let next = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let line = next.unwrap_or_else(|_| panic!("not told: {missing:?}; told: {told}")).unwrap().expect("it stays");
        let event: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(event["eventId"].is_string() && event["createdAt"].is_string(), "as webhooks carry it: {line}");
        missing.retain(|(_, kind, wanted)| {
            let has_all = wanted.as_object().unwrap().iter().all(|(name, value)| event["data"][name] == *value);
            event["event"] != *kind || !has_all
        });
        told.push_str(&line);
        told.push('\n');
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_quiet_nothing_is_told_after_the_last_line_of_the_start() {
    for (form, last) in [(None, "Ctrl-C"), (Some("--json"), "apiKey")] {
        let dir = fresh_dir();
        let mut args = vec!["--quiet", "--port", "0", "--data-dir", dir.to_str().unwrap()];
        args.extend(form);
        let (mut sandbox, mut lines) = at_a_terminal(&args);
        let start = until(&mut lines, last).await;
        let value = |word: &str, member: &str| match form {
            Some(_) => serde_json::from_str::<Value>(&start).unwrap()[member].as_str().unwrap().to_owned(),
            None => start.lines().find_map(|line| line.trim().strip_prefix(word)).unwrap().trim().to_owned(),
        };
        let api = Api::new(&value("API   ", "url"), &value("export KEY=", "apiKey"));
        first_text(&api, &Api::new(&value("export CONTROL=", "controlUrl"), "")).await;

        kill(Pid::from_raw(i32::try_from(sandbox.id().unwrap()).unwrap()), Signal::SIGTERM).unwrap();
        let mut after = String::new();
        while let Some(line) = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("it ends").unwrap() {
            after.push_str(&line);
        }
        assert_eq!(after.trim(), "", "{form:?}");
        let status = tokio::time::timeout(PATIENCE, sandbox.wait()).await.expect("it ends").unwrap();
        assert!(status.success(), "{status}");
    }
}

#[test]
fn each_program_says_its_name_and_version() {
    let named = |name: &'static str| (name, program(name));
    for (name, path) in [named("wharf-sandbox"), named("wharf-sim"), ("wharf", release_program())] {
        let output = std::process::Command::new(path).arg("--version").output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!((output.status.success(), told.trim()), (true, format!("{name} {}", env!("CARGO_PKG_VERSION")).as_str()));
    }
}
