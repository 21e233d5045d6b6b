//! `wharf listen`: the developer's ear, and the hand that passes things on.

use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt as _, BufReader};
use tokio::process::Command;
use wharf_api::ErrorCode;

use crate::harness::{Backend, Hook, Mode, OWNER, PATIENCE, READER, World, eventually, process};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_heard_is_shown_and_handed_on_signed_also_after_the_gateway_was_away() {
    let mut world = World::start(Backend::Sqlite).await;
    let port = process::lasting_port();
    world.stop_gateway().await;
    world.start_gateway_at(&port, &[]).await;
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
    assert!(shown.contains("  heard  "), "the session by its name: {shown}");
    let handed = lines.next_line().await.unwrap().unwrap();
    assert!(handed.contains("session.") && handed.contains("evt_") && handed.contains("-> 202"), "{handed}");
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });

    // The gateway goes away and comes back at the same place: what happened meanwhile is heard, and nothing twice.
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
    assert_eq!(refused.status.code(), Some(1));
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains(ErrorCode::InvalidApiKey.name()), "{told}");
}

/// How far the message of these lines has come, in their order.
fn marks(lines: &[String]) -> Vec<&str> {
    lines.iter().filter(|line| line.contains("«hello there»")).filter_map(|line| line.rsplit(' ').next()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_has_a_line_for_each_step_of_a_message_and_a_program_each_event_as_it_is() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    let sent = world.send(&session, READER, "hello there").await.ok(201)["messageId"].as_str().unwrap().to_owned();
    world.until_message(&sent, "read").await;
    let api = world.api();
    let line = ["listen", "--url", &api.base, "--api-key", &api.key, "--after", "oldest"];
    let heard = async |more: &[&str], end: &str| {
        let mut child = Command::new(process::program("wharf"))
            .args([&line[..], more].concat())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen: Vec<String> = Vec::new();
        while seen.last().is_none_or(|line| !line.contains(end)) {
            let next = tokio::time::timeout(PATIENCE, lines.next_line()).await.unwrap_or_else(|_| panic!("{end}: {seen:?}"));
            seen.push(next.unwrap().expect("it goes on"));
        }
        seen
    };
    let people = heard(&[], "✓✓ read").await;
    assert!(people.iter().all(|line| !line.contains('\u{1b}')), "{people:?}");
    assert!(people.iter().any(|line| line.ends_with("  test  is connected")), "{people:?}");
    let known = ["queued", "sent", "delivered", "read"];
    let places: Vec<_> = marks(&people).into_iter().map(|mark| known.iter().position(|word| *word == mark)).collect();
    assert!(places.len() > 1 && !places.contains(&None), "{people:?}");
    assert!(places.is_sorted_by(|one, next| one < next), "each step once, in its order: {people:?}");
    let programs = heard(&["--json", "--events", "message.read"], "message.read").await;
    let event: serde_json::Value = serde_json::from_str(&programs[0]).unwrap();
    assert_eq!((&event["data"]["messageId"], &event["data"]["text"]), (&json!(sent), &json!("hello there")));
}

/// What stands on a terminal to which these bytes were written.
fn rows(written: &str) -> Vec<String> {
    let (mut rows, mut row) = (vec![String::new()], 0_usize);
    let mut letters = written.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\n' => row += 1,
            '\r' => {}
            '\u{1b}' => {
                let (mut number, mut verb) = (String::new(), ' ');
                for part in letters.by_ref().skip(1) {
                    if part.is_ascii_alphabetic() {
                        verb = part;
                        break;
                    }
                    number.push(part);
                }
                match verb {
                    'A' => row -= number.parse::<usize>().unwrap(),
                    'B' => row += number.parse::<usize>().unwrap(),
                    'K' => rows[row].clear(),
                    _ => {}
                }
            }
            letter => rows[row].push(letter),
        }
        rows.resize(rows.len().max(row + 1), String::new());
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_a_message_has_one_line_whose_ticks_grow_with_colours_and_without() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    for text in ["first", "second"] {
        let sent = world.send(&session, READER, text).await.ok(201)["messageId"].as_str().unwrap().to_owned();
        world.until_message(&sent, "read").await;
    }
    let api = world.api();
    let program = process::program("wharf");
    let line = format!(
        "stty rows 30 cols 100; exec '{}' listen --url '{}' --api-key '{}' --after oldest --session {session}",
        program.display(),
        api.base,
        api.key
    );
    for plain in [false, true] {
        let mut command = Command::new("script");
        command.args(["-qfc", &line, "/dev/null"]).env("SHELL", "/bin/sh").env("TERM", "xterm-256color").env_remove("NO_COLOR");
        if plain {
            command.env("NO_COLOR", "1");
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
        let mut out = child.stdout.take().unwrap();
        let mut seen: Vec<u8> = Vec::new();
        let shown = loop {
            let shown = String::from_utf8_lossy(&seen).into_owned();
            if shown.matches("✓✓ read").count() == 2 {
                break shown;
            }
            let more = tokio::time::timeout(PATIENCE, out.read_buf(&mut seen)).await.unwrap_or_else(|_| panic!("in time: {shown}"));
            assert!(more.unwrap() > 0, "it goes on: {shown}");
        };
        let rows = rows(&shown);
        for text in ["«first»", "«second»"] {
            let of: Vec<_> = rows.iter().filter(|row| row.contains(text)).collect();
            assert!(of.len() == 1 && of[0].ends_with("✓✓ read"), "{rows:#?}");
        }
        assert!(rows.iter().all(|row| row.chars().count() < 100), "{rows:#?}");
        assert_eq!(shown.contains("\u{1b}[36m"), !plain, "{shown:?}");
    }
}
