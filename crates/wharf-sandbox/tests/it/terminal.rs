//! `wharf` at the terminal: every operation, what people and programs read of it, profiles, completions, the manual, the configuration.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use wharf_api::ErrorCode;

use crate::harness::process::{fresh_dir, program};
use crate::harness::{Backend, OWNER, PATIENCE, READER, World};

/// A person's home, and what stands in the environment of the shell.
struct Shell {
    home: PathBuf,
    env: Vec<(&'static str, String)>,
}

/// How a line ended.
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ended {
    #[track_caller]
    fn good(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }

    #[track_caller]
    fn json(self) -> Value {
        let out = self.good();
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }

    /// What stands on the standard error of a line that ended with the code, and said nothing else.
    #[track_caller]
    fn bad(self, code: i32) -> String {
        assert_eq!((self.code, self.out.as_str()), (Some(code), ""), "{}", self.err);
        self.err
    }
}

impl Shell {
    fn new() -> Self {
        Self { home: fresh_dir(), env: Vec::new() }
    }

    /// Where the world's gateway and its demo key are known.
    fn of(world: &World) -> Self {
        let api = world.api();
        Self { env: vec![("WHARF_URL", api.base), ("WHARF_API_KEY", api.key)], ..Self::new() }
    }

    fn run(&self, line: &[&str]) -> Ended {
        self.run_with(line, &[], "")
    }

    fn run_with(&self, line: &[&str], env: &[(&str, &str)], said: &str) -> Ended {
        let mut child = Command::new(program("wharf"))
            .args(line)
            .env_remove("WHARF_PROFILE")
            .env_remove("WHARF_URL")
            .env_remove("WHARF_API_KEY")
            .env("XDG_CONFIG_HOME", &self.home)
            .current_dir(&self.home)
            .envs(self.env.iter().map(|(name, value)| (*name, value.as_str())))
            .envs(env.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Who does not read it does not mind.
        let _ = child.stdin.take().unwrap().write_all(said.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ended { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_sent_waited_for_and_shown_to_people_and_to_programs() {
    let world = World::start(Backend::Sqlite).await;
    let (session, shell) = (world.pair(OWNER).await, Shell::of(&world));
    let listed = shell.run(&["sessions", "list"]).good();
    let lines: Vec<_> = listed.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("sessionId") && lines[1].starts_with(&session), "{listed}");
    assert!(lines[1].contains("connected") && !listed.contains('\u{1b}'), "{listed}");

    let send = ["messages", "send-text", "--session-id", &session, "--to", READER, "--text", "hello there", "--json"];
    let sent = shell.run(&send).json();
    let id = sent["data"]["messageId"].as_str().unwrap_or_else(|| panic!("{sent}"));
    let waited = shell.run(&["messages", "wait", id, "--until", "read"]).good();
    assert!(waited.contains("read"), "{waited}");
    let shown = shell.run(&["messages", "get", id]).good();
    assert!(shown.contains("text:") && shown.contains("hello there") && shown.contains("timeline:\n"), "{shown}");
    assert_eq!(shell.run(&["api", "messages", "get", id, "--json"]).json(), world.api().get(&format!("/v1/messages/{id}")).await.json);

    // The same key with the same words is done once.
    let keyed = [&send[..], &["--idempotency-key", "of-mine"]].concat();
    let [first, second] = [shell.run(&keyed).json(), shell.run(&keyed).json()];
    assert_eq!(first["data"]["messageId"], second["data"]["messageId"]);
    assert_ne!(&first["data"]["messageId"], id);

    let body = json!({"sessionId": session, "to": READER, "text": "whole"}).to_string();
    assert_eq!(shell.run_with(&["messages", "send-text", "--data", "-", "--json"], &[], &body).json()["data"]["text"], "whole");

    let pages = shell.run(&["messages", "list", "--direction", "outgoing", "--limit", "2", "--all", "--json"]).good();
    let pages: Vec<Value> = pages.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let texts: Vec<_> = pages.iter().flat_map(|page| page["data"].as_array().unwrap()).map(|row| row["text"].clone()).collect();
    assert_eq!((pages.len(), texts), (2, vec![json!("whole"), json!("hello there"), json!("hello there")]));
    let table = shell.run(&["messages", "list", "--direction", "outgoing", "--limit", "2", "--all"]).good();
    assert_eq!((table.lines().count(), table.matches("messageId").count()), (4, 1), "{table}");
    assert!(shell.run(&["usage"]).good().contains("today:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_is_linked_by_a_code_that_the_terminal_shows() {
    let world = World::start(Backend::Sqlite).await;
    let api = world.api();
    let mut pairing = tokio::process::Command::new(program("wharf"))
        .args(["sessions", "pair", "--phone", OWNER, "--url", &api.base, "--api-key", &api.key])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(pairing.stdout.take().unwrap()).lines();
    let code = loop {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("in time").unwrap().expect("the code is told");
        if let Some((_, code)) = line.split_once("Then type ") {
            break code.to_owned();
        }
    };
    let typed = world.control().post("/control/pair-code", &json!({"phone": OWNER, "code": code})).await;
    assert!(typed.status < 300, "{typed:?}");
    let mut last = String::new();
    while let Some(line) = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("in time").unwrap() {
        last = line;
    }
    assert_eq!(last, format!("Connected as +{OWNER}."));
    assert!(pairing.wait().await.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_up_and_comes_down_as_it_was() {
    let world = World::start(Backend::Sqlite).await;
    let shell = Shell::of(&world);
    let bytes = crate::media::file("document", 100_000);
    std::fs::write(shell.home.join("plan.pdf"), &bytes).unwrap();
    let stored = shell.run(&["media", "upload", "--file", "plan.pdf", "--json"]).json();
    assert_eq!(stored["data"]["fileName"], "plan.pdf", "{stored}");
    let id = stored["data"]["mediaId"].as_str().unwrap();
    assert_eq!(shell.run(&["media", "get", id, "--out", "copy.pdf"]).good(), "");
    assert_eq!(std::fs::read(shell.home.join("copy.pdf")).unwrap(), bytes);
    let missing = shell.run(&["media", "upload", "--file", "nowhere.pdf"]).bad(1);
    assert!(missing.contains("nowhere.pdf cannot be read"), "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_in_the_catalogues_words_and_each_kind_of_end_has_its_code() {
    let world = World::start(Backend::Sqlite).await;
    let shell = Shell::of(&world);
    let unknown = format!("ses_{}", "0".repeat(32));
    let row = ErrorCode::SessionNotFound.row();
    let told = shell.run(&["sessions", "get", &unknown]).bad(1);
    for part in [row.description, row.fix, "(session_not_found)", "request", "#error-session_not_found"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let told = shell.run(&["sessions", "get", &unknown, "--json"]).bad(1);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&told["success"], &told["error"]["code"]), (&json!(false), &json!(row.name)));

    let field = shell.run(&["messages", "send-text", "--session-id", &unknown, "--to", READER, "--text", ""]).bad(1);
    assert!(field.contains("field") && field.contains("text"), "{field}");
    assert!(shell.run(&["sessions", "list", "--status", "asleep"]).bad(2).contains("connected"));
    assert!(shell.run(&["sessions", "get", ".."]).bad(2).contains("sessionId"));
    let no_key = Shell::new().run(&["sessions", "list", "--url", &world.api().base]).bad(2);
    assert!(no_key.contains("wharf login"), "{no_key}");
    let nobody = ["--url", "http://127.0.0.1:1", "--api-key", "x", "--tries", "2"];
    let away = shell.run(&[&["sessions", "list"], &nobody[..]].concat()).bad(3);
    assert!(away.contains("does not answer"), "{away}");
    let away = shell.run(&[&["sessions", "list", "--json"], &nobody[..]].concat()).bad(3);
    assert_eq!(serde_json::from_str::<Value>(&away).unwrap()["error"]["code"], "network_error");
    assert!(shell.run(&["server", "get-health", "--json"]).json()["success"].as_bool().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_kept_once_the_gateway_took_its_key_and_nobody_else_can_read_it() {
    let world = World::start(Backend::Sqlite).await;
    let (api, shell) = (world.api(), Shell::new());
    let file = shell.home.join("wharf/profiles.toml");
    let refused = shell.run(&["login", "--url", &api.base, "--key", "wharf_test_no"]).bad(1);
    assert!(refused.contains("(invalid_api_key)") && !file.exists(), "{refused}");
    let told = shell.run_with(&["login", "--url", &api.base], &[], &format!("{}\n", api.key)).good();
    assert!(told.contains("demo") && !told.contains(&api.key), "{told}");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    assert_eq!(shell.run(&["sessions", "list"]).good(), "Nothing.\n");

    // A key of a profile goes to its own address alone.
    assert!(shell.run(&["sessions", "list", "--url", "http://127.0.0.1:1"]).bad(2).contains("no API key"));

    // A key that may not look at its account is a good key.
    let narrow = api.post("/v1/api-keys", &json!({"name": "narrow", "permissions": ["messages:send"]})).await.ok(201)["apiKey"].clone();
    shell.run(&["login", "--url", &api.base, "--key", narrow.as_str().unwrap(), "--profile", "narrow"]).good();
    assert!(shell.run(&["sessions", "list", "--profile", "narrow"]).bad(1).contains("(insufficient_permissions)"));
    assert!(shell.run_with(&["sessions", "list"], &[("WHARF_PROFILE", "narrow")], "").bad(1).contains("(insufficient_permissions)"));

    shell.run(&["logout"]).good();
    assert!(shell.run(&["sessions", "list"]).bad(2).contains("wharf login"));
    assert!(shell.run(&["logout"]).bad(1).contains("there is no profile default"));
    shell.run(&["logout", "--profile", "narrow"]).good();
    assert!(!file.exists());
}

#[test]
fn shells_complete_its_lines_and_each_command_has_its_page() {
    let shell = Shell::new();
    for name in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = shell.run(&["completions", name]).good();
        assert!(script.contains("send-text") && script.contains("idempotency-key"), "{name}: {} bytes", script.len());
    }
    let page = shell.run(&["man"]).good();
    assert!(page.starts_with(".ie") || page.contains(".TH wharf"), "{}", &page[..200]);
    let page = shell.run(&["man", "messages", "send-text"]).good();
    assert!(page.contains("messages:send") && page.contains("Sends a text."), "{page}");
    assert!(shell.run(&["man", "messages", "sing"]).bad(2).contains("messages sing"));
    shell.run(&["man", "--folder", "pages"]).good();
    assert!(shell.home.join("pages/wharf-messages-send-text.1").exists());
}

#[test]
fn the_configuration_in_force_is_shown_without_its_secrets_and_a_slip_in_a_name_is_refused() {
    let shell = Shell::new();
    std::fs::write(shell.home.join("wharf.toml"), "data_dir = \"here\"\n[media]\nsecret_key = \"hush\"\n").unwrap();
    let env = [("WHARF_MASTER_KEY", "hush"), ("WHARF_DATABASE_URL", "postgres://me:hush@db/wharf"), ("WHARF_LISTENN", "127.0.0.1:9")];
    let shown = shell.run_with(&["config", "show"], &env, "");
    assert!(shown.err.contains("WHARF_LISTENN is no setting; did you mean WHARF_LISTEN?"), "{}", shown.err);
    let shown = shown.good();
    let line = |key: &str| {
        let line = shown.lines().find(|line| line.split_whitespace().next() == Some(key));
        line.unwrap_or_else(|| panic!("{key}: {shown}")).split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(line("data_dir"), ["here", "wharf.toml"]);
    assert_eq!(line("master_key"), ["***", "WHARF_MASTER_KEY"]);
    assert_eq!(line("media.secret_key"), ["***", "wharf.toml"]);
    assert_eq!(line("database_url"), ["postgres://***@db/wharf", "WHARF_DATABASE_URL"]);
    assert_eq!(line("listen"), ["127.0.0.1:8080", "default"]);
    assert!(!shown.contains("hush"), "{shown}");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let cut = Command::new(program("wharf")).args(["config", "show"]).current_dir(&shell.home).stdout(writer).output().unwrap();
    assert_eq!((cut.status.code(), String::from_utf8_lossy(&cut.stderr).as_ref()), (Some(0), ""), "a reader that goes away is no fault");
    let listed = shell.run(&["config", "show", "--json"]).json();
    let row = listed.as_array().unwrap().iter().find(|row| row["key"] == "data_dir").unwrap();
    assert_eq!(row, &json!({"key": "data_dir", "value": "here", "origin": "file", "variable": "WHARF_DATA_DIR"}));

    let refused = shell.run_with(&["serve"], &[("WHARF_LISTENN", "127.0.0.1:9")], "").bad(1);
    assert!(refused.contains("WHARF_LISTENN is no setting; did you mean WHARF_LISTEN?"), "{refused}");
    assert!(!shell.home.join("here").exists(), "nothing was begun");
}
