//! The programs themselves: what they print, what they refuse, how they end.

use std::path::Path;
use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use wharf_api::ErrorCode;

use crate::harness::process::{Process, fresh_dir, program};
use crate::harness::{Api, Backend, ECHO, OWNER, PATIENCE, World, eventually};

/// The program as a release builds it: without the sandbox's feature.
pub fn release_program() -> std::path::PathBuf {
    std::env::var_os("WHARF_RELEASE_BIN").expect("WHARF_RELEASE_BIN names no program: run the tests by `cargo xtask test`").into()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_program_starts_network_and_gateway_and_its_first_line_is_enough_to_go_on() {
    let dir = fresh_dir();
    let sandbox = Process::start(&program("wharf-sandbox"), &["--json", "--port", "0", "--data-dir", dir.to_str().unwrap()], &[]).await;
    let text = |name: &str| sandbox.ready[name].as_str().unwrap_or_else(|| panic!("{name} in {}", sandbox.ready)).to_owned();
    let (api, control) = (Api::new(&text("url"), &text("apiKey")), Api::new(&text("controlUrl"), ""));
    assert!(text("operatorKey").starts_with("wharf_test_"));
    let created = api.post("/v1/sessions", &json!({"name": "first"})).await;
    let session = created.ok(201)["sessionId"].as_str().unwrap().to_owned();
    control.post_text("/control/scan", created.data()["qr"].as_str().unwrap()).await;
    eventually("connected", async || {
        let shown = api.get(&format!("/v1/sessions/{session}")).await;
        (shown.data()["status"] == "connected").then_some(()).ok_or(format!("{shown:?}"))
    })
    .await;
    api.post("/v1/messages/text", &json!({"sessionId": session, "to": ECHO, "text": "hello"})).await.ok(201);
    sandbox.terminate().await;

    // The whole sandbox starts again on the same folder: same key, nothing to pair.
    let again = Process::start(&program("wharf-sandbox"), &["--json", "--port", "0", "--data-dir", dir.to_str().unwrap()], &[]).await;
    let api = Api::new(again.ready["url"].as_str().unwrap(), &api.key);
    eventually("connected again", async || {
        let shown = api.get(&format!("/v1/sessions/{session}")).await;
        (shown.data()["status"] == "connected").then_some(()).ok_or(format!("{shown:?}"))
    })
    .await;
    api.post("/v1/messages/text", &json!({"sessionId": session, "to": ECHO, "text": "still paired"})).await.ok(201);
    again.terminate().await;
}

/// What somebody sees who pastes these lines into a shell.
async fn pasted(lines: &str, dir: &Path, env: &[(&str, &str)]) -> String {
    let ran = Command::new("bash").args(["-e", "-c", lines]).current_dir(dir).envs(env.iter().copied()).output();
    let output = tokio::time::timeout(PATIENCE, ran).await.expect("it ends in time").unwrap();
    assert!(output.status.success(), "{lines}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The sandbox as a person starts it, and its lines.
pub fn at_a_terminal(args: &[&str]) -> (tokio::process::Child, tokio::io::Lines<BufReader<tokio::process::ChildStdout>>) {
    let started = Command::new(program("wharf-sandbox")).args(args).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn();
    let mut sandbox = started.unwrap();
    let lines = BufReader::new(sandbox.stdout.take().unwrap()).lines();
    (sandbox, lines)
}

/// The lines up to the first that holds `end`, that one included.
pub async fn until(lines: &mut tokio::io::Lines<BufReader<tokio::process::ChildStdout>>, end: &str) -> String {
    let mut printed = String::new();
    loop {
        let next = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let line = next.unwrap_or_else(|_| panic!("{end} was not told in time: {printed}")).unwrap().expect("it stays");
        printed.push_str(&line);
        printed.push('\n');
        if line.contains(end) {
            return printed;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_commands_pasted_as_one_block_send_the_first_message_and_the_terminal_tells_it() {
    let (data, work) = (fresh_dir(), fresh_dir());
    let (_sandbox, mut lines) = at_a_terminal(&["--port", "0", "--data-dir", data.to_str().unwrap()]);
    let printed = until(&mut lines, "Ctrl-C").await;
    let block = &printed[printed.find("export KEY").unwrap()..printed.find("What happens is told").unwrap()];
    assert_eq!(block.matches("curl").count(), 6, "{printed}");
    assert!(block.contains("wharf listen --url http://127.0.0.1:"), "where to look next: {printed}");
    assert!(block.find("until curl").unwrap() < block.find("/v1/messages/text").unwrap(), "the first text waits for the link: {printed}");
    let shown = pasted(block, &work, &[]).await;
    assert!(shown.contains(r#""status":"sent""#), "{shown}");
    assert!(shown.contains("Hello"), "the phone shows it: {shown}");
    let told = until(&mut lines, "← +15550001001").await;
    for (what, sign) in [
        ("its name", "session «demo» waits"),
        ("its code", "▄"),
        ("the link", "session «demo» is connected"),
        ("the text", "→ +15550001001  «Hello»  sent"),
    ] {
        assert!(told.contains(sign), "{what}: {told}");
    }

    // README's are the same with names in the place of values.
    let value = |name: &str| printed.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap().trim().to_owned();
    let control = value("phones").replace("/control/phones", "");
    let readme = include_str!("../../../../README.md");
    let block_of_readme = &readme[readme.find("# 1. a session").unwrap()..];
    let block_of_readme = block_of_readme[..block_of_readme.find("```").unwrap()].replace("http://127.0.0.1:8080", &value("API   "));
    assert!(block.contains(block_of_readme.trim()), "README says the same: {block_of_readme}\n{block}");
    let shown = pasted(&block_of_readme, &work, &[("KEY", &value("demo key")), ("CONTROL", &control)]).await;
    assert!(shown.contains(r#""status":"sent""#), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_sandbox_on_the_same_port_or_folder_names_the_option_that_helps() {
    let (first, second) = (fresh_dir(), fresh_dir());
    let running = Process::start(&program("wharf-sandbox"), &["--json", "--port", "0", "--data-dir", first.to_str().unwrap()], &[]).await;
    let port = running.ready["url"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
    let (first, second) = (first.to_str().unwrap(), second.to_str().unwrap());
    for (port, dir, option) in [(port.as_str(), second, "--port"), ("0", first, "--data-dir")] {
        let refused = Process::try_start(&program("wharf-sandbox"), &["--json", "--port", port, "--data-dir", dir], &[]).await;
        let Err(output) = refused else { panic!("port {port}, folder {dir}: it started") };
        assert!(output.contains(option), "{output}");
    }
    running.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_key_is_refused_by_its_name_in_the_sandbox() {
    let world = World::start(Backend::Sqlite).await;
    assert!(world.api().key.starts_with("wharf_test_"));
    let live = Api::new(&world.api().base, &world.api().key.replace("wharf_test_", "wharf_live_"));
    let refused = live.get("/v1/sessions").await;
    let why = refused.refused(ErrorCode::InvalidApiKey)["reason"].as_str().unwrap_or_default();
    assert!(why.contains("a live one"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_refuses_a_network_that_is_not_on_loopback() {
    for address in ["ws://192.0.2.1:9/ws/chat", "wss://web.whatsapp.com/ws/chat", "ws://example.com/ws/chat", "ws://127.0.0.1.example.com/"]
    {
        let dir = fresh_dir();
        let args = ["--json", "--port", "0", "--data-dir", dir.to_str().unwrap(), "--network", address];
        let refused = Process::try_start(&program("wharf-sandbox"), &args, &[]).await;
        let Err(output) = refused else { panic!("{address} was accepted") };
        assert!(output.contains("loopback"), "{address}: {output}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_release_program_has_no_way_to_the_pretend_network_and_refuses_a_sandbox_database() {
    let mut world = World::start(Backend::Sqlite).await;
    world.pair(OWNER).await;
    world.stop_gateway().await;
    let data = world.dir().join("gateway");
    let run = |args: &[&str], envs: &[(&str, &str)]| {
        let output = std::process::Command::new(release_program()).args(args).envs(envs.iter().copied()).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout))
    };
    let (ok, output) = run(&["serve", "--network", "ws://127.0.0.1:1/ws/chat"], &[]);
    assert!(!ok && output.contains("--network"), "{output}");
    let (ok, output) = run(&["serve"], &[("WHARF_DATA_DIR", data.to_str().unwrap()), ("WHARF_LISTEN", "127.0.0.1:0")]);
    assert!(!ok && output.contains("sandbox"), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_build_of_the_release_program_refuses_to_run() {
    // `cargo build --workspace` joins the sandbox's feature into every program; such a `wharf` must not serve.
    let dir = fresh_dir();
    let output = std::process::Command::new(program("wharf"))
        .arg("serve")
        .env("WHARF_DATA_DIR", &dir)
        .env("WHARF_LISTEN", "127.0.0.1:0")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success() && text.contains("certificate"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_same_data_is_refused() {
    let world = World::start(Backend::Sqlite).await;
    let data = world.dir().join("gateway");
    let args = ["--json", "--port", "0", "--data-dir", data.to_str().unwrap(), "--network", "ws://127.0.0.1:1/ws/chat"];
    let refused = Process::try_start(&program("wharf-sandbox"), &args, &[]).await;
    assert!(refused.is_err(), "two processes on one file");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_promised_javascript_example_runs_and_reaches_its_branches_for_their_true_causes() {
    let world = World::start(Backend::Sqlite).await;
    let connected = world.pair(OWNER).await;
    let unpaired = world.api().post("/v1/sessions", &json!({"name": "unpaired"})).await.ok(201)["sessionId"].as_str().unwrap().to_owned();
    let page = include_str!("../../../wharf-api/tests/it/promised-error-codes.txt");
    let example = &page[page.find("async function sendWhatsAppMessage").expect("the example")..];
    // Only the base address and the key are changed.
    let api = world.api();
    let script = format!(
        "const API_KEY = {key:?};\n{example}\n(async () => {{\n  const out = [];\n  for (const [s, to] of {calls}) out.push(await sendWhatsAppMessage(s, to, 'from the example'));\n  console.log(JSON.stringify(out));\n}})();",
        key = api.key,
        example = example.replace("https://api.messaging.com", &api.base),
        calls = json!([[connected, ECHO], [unpaired, ECHO], [connected, "12ab"]]),
    );
    let file = world.dir().join("example.mjs");
    std::fs::write(&file, script).unwrap();
    let output = tokio::process::Command::new("node").arg(&file).output().await.expect("node runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let results: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&results[0]["success"], &results[0]["data"]["status"]), (&json!(true), &json!("sent")), "{results}");
    assert_eq!(results[1]["error"]["code"], ErrorCode::SessionNotConnected.name());
    assert_eq!(results[2]["error"]["code"], ErrorCode::InvalidPhoneNumber.name());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_what_happened_without_numbers_texts_or_keys() {
    let mut world = World::start_with(Backend::Sqlite, &[("WHARF_LOG", "debug")]).await;
    let session = world.pair(OWNER).await;
    let sent = world.send(&session, ECHO, "a text that nobody else may read").await;
    world.until_message(sent.ok(201)["messageId"].as_str().unwrap(), "read").await;
    world.send(&session, "15550007479", "another secret text").await.refused(ErrorCode::MessageSendingFailed);
    world.api().get(&format!("/v1/messages?chatId={ECHO}")).await.ok(200);
    world.api().post(&format!("/v1/sessions/{session}/logout"), &json!({})).await.ok(200);
    let key = world.api().key;
    let gateway = world.gateway();
    let log = eventually("the log has the logout", async || {
        let log = gateway.log();
        if log.contains("logout") { Ok(log) } else { Err(log) }
    })
    .await;
    assert!(log.contains("send_text") || log.contains("/v1/messages/text"), "requests stand in the log: {log}");
    for secret in [OWNER, ECHO, "15550007479", "nobody else may read", "another secret", key.as_str()] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} stands in the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_release_program_makes_a_key_checks_itself_and_says_what_is_wrong() {
    let dir = fresh_dir();
    let run = |args: &[&str]| {
        let output = std::process::Command::new(release_program())
            .args(args)
            .env("WHARF_DATA_DIR", &dir)
            .env("WHARF_LISTEN", "127.0.0.1:0")
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
    };
    let (ok, output) = run(&["keys", "create", "--account", "me", "--name", "first"]);
    assert!(ok && output.contains("wharf_live_"), "{output}");
    let (ok, output) = run(&["keys", "create", "--account", "you", "--plan", "platinum", "--name", "first"]);
    assert!(!ok && output.contains("platinum"), "{output}");
    let (ok, output) = run(&["doctor", "--offline"]);
    assert!(ok, "{output}");
    std::fs::write(dir.join("master.key"), "not a key").unwrap();
    let (ok, output) = run(&["doctor", "--offline"]);
    assert!(!ok && output.contains("master"), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_at_an_older_database_changes_nothing_and_says_what_is_to_be_applied_and_migrate_applies_it() {
    let dir = fresh_dir();
    let archive = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/older/migration-0010.tgz");
    assert!(std::process::Command::new("tar").args(["-xzf", archive, "-C"]).arg(&dir).status().unwrap().success());
    let data = dir.join("gateway");
    let newest = || {
        let db = rusqlite::Connection::open(data.join("wharf.sqlite")).unwrap();
        db.query_row("SELECT MAX(version) FROM _sqlx_migrations", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    // Of the other world, a doctor of this one would look no further.
    let db = rusqlite::Connection::open(data.join("wharf.sqlite")).unwrap();
    db.execute_batch("UPDATE meta SET value = 'production' WHERE name = 'world'").unwrap();
    drop(db);
    let run = |args: &[&str]| {
        let output = std::process::Command::new(release_program())
            .args(args)
            .env("WHARF_DATA_DIR", &data)
            .env("WHARF_LISTEN", "127.0.0.1:0")
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
    };
    let (_, output) = run(&["doctor", "--offline"]);
    assert!(output.contains("migrations 11 to") && output.contains("make a backup"), "{output}");
    for args in [["keys", "list", "--account", "x"].as_slice(), &["accounts", "list"], &["restored"]] {
        let (ok, output) = run(args);
        assert!(!ok && output.contains("is at migration 10"), "{args:?}: {output}");
    }
    let (ok, output) = run(&["migrate", "--check"]);
    assert!(!ok && output.contains("is at migration 10"), "{output}");
    assert_eq!(newest(), 10);

    // Who asks for it has it brought up to date, once.
    let (ok, output) = run(&["migrate"]);
    assert!(ok && output.contains("was at migration 10 and is at"), "{output}");
    assert!(newest() > 10);
    for args in [["migrate", "--check"].as_slice(), &["migrate"]] {
        let (ok, output) = run(args);
        assert!(ok && output.contains("Nothing is to be done"), "{args:?}: {output}");
    }
    let (ok, output) = run(&["accounts", "list"]);
    assert!(ok, "{output}");

    let db = rusqlite::Connection::open(data.join("wharf.sqlite")).unwrap();
    db.execute_batch(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'x', TRUE, x'00', 0)",
    )
    .unwrap();
    drop(db);
    for args in [["doctor", "--offline"].as_slice(), &["accounts", "list"], &["migrate"], &["migrate", "--check"]] {
        let (ok, output) = run(args);
        assert!(!ok && output.contains("made by a newer Wharf (migration 9999"), "{args:?}: {output}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_paired_from_the_terminal() {
    let world = World::start(Backend::Sqlite).await;
    let api = world.api();
    let mut pairing = tokio::process::Command::new(release_program())
        .args(["sessions", "pair", "--url", &api.base, "--api-key", &api.key, "--name", "terminal"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let session = eventually("the session waits for its scan", async || {
        let list = api.get("/v1/sessions").await;
        let row = list.data().as_array().and_then(|rows| rows.first().cloned());
        row.filter(|row| row["status"] == "qr").ok_or(format!("{list:?}"))
    })
    .await;
    let id = session["sessionId"].as_str().unwrap();
    let qr = api.get(&format!("/v1/sessions/{id}/qr")).await;
    world.scan(qr.ok(200)["qr"].as_str().unwrap(), OWNER).await;
    let status = tokio::time::timeout(crate::harness::PATIENCE, pairing.wait()).await.expect("it ends once connected").unwrap();
    let output = pairing.wait_with_output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(status.success(), "{text}");
    assert!(text.contains('█') || text.contains('▀') || text.contains('▄'), "a QR code stands in the terminal: {text}");
}
