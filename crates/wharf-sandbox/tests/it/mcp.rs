//! An assistant's way in: the program `wharf mcp`, spoken to as its clients do.

use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::harness::process::program;
use crate::harness::{Backend, OWNER, PATIENCE, SILENT, World};

/// A client with its server.
struct Assistant {
    child: Child,
    says: ChildStdin,
    hears: Lines<BufReader<ChildStdout>>,
    asked: u64,
}

impl Assistant {
    async fn start(world: &World, key: &str, args: &[&str]) -> Self {
        let url = world.api().base;
        let mut command = Command::new(program("wharf"));
        command.arg("mcp").args(args).env("WHARF_URL", url).env("WHARF_API_KEY", key).kill_on_drop(true);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (says, hears) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()).lines());
        let mut assistant = Self { child, says, hears, asked: 0 };
        let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}});
        let told = assistant.ask("initialize", hello).await;
        assert_eq!(told["result"]["serverInfo"]["name"], "wharf", "{told}");
        assistant.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
        assistant
    }

    async fn say(&mut self, message: &Value) {
        self.says.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        self.say(&json!({"jsonrpc": "2.0", "id": self.asked, "method": method, "params": params})).await;
        loop {
            let line = self.hears.next_line().await.unwrap().expect("an answer");
            let told: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            if told["id"] == self.asked {
                return told;
            }
        }
    }

    async fn tools(&mut self) -> Vec<Value> {
        self.ask("tools/list", json!({})).await["result"]["tools"].as_array().unwrap().clone()
    }

    async fn names(&mut self) -> Vec<String> {
        self.tools().await.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    }

    async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({"name": tool, "arguments": arguments})).await["result"].clone()
    }

    /// Ends as its clients end it: by closing the line.
    async fn end(mut self) {
        drop(self.says);
        assert!(self.child.wait().await.unwrap().success());
    }
}

async fn key(world: &World, permissions: &[&str]) -> String {
    let made = world.api().post("/v1/api-keys", &json!({"name": "assistant", "permissions": permissions})).await;
    made.ok(201)["apiKey"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_assistant_sends_searches_and_reads_what_its_key_may() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    let key = key(&world, &["sessions:read", "messages:read", "messages:send", "contacts:read"]).await;
    let mut assistant = Assistant::start(&world, &key, &[]).await;
    let tools = assistant.tools().await;
    let send = tools.iter().find(|tool| tool["name"] == "send_text").unwrap();
    assert_eq!(send["annotations"]["readOnlyHint"], false);
    assert_eq!(send["inputSchema"]["required"], json!(["sessionId", "to", "text"]));
    let sessions = assistant.call("list_sessions", json!({})).await;
    assert_eq!(sessions["structuredContent"]["data"][0]["sessionId"], session, "{sessions}");
    let sent = assistant.call("send_text", json!({"sessionId": session, "to": SILENT, "text": "from an assistant"})).await;
    assert_eq!((&sent["isError"], &sent["structuredContent"]["data"]["status"]), (&json!(false), &json!("sent")), "{sent}");
    world.until_shown(SILENT, &["from an assistant".to_owned()]).await;
    let found = assistant.call("list_messages", json!({"sessionId": session, "text": "assistant"})).await;
    assert_eq!(found["structuredContent"]["data"][0]["text"], "from an assistant", "{found}");
    // What is refused says why, and what helps.
    let refused = assistant.call("send_text", json!({"sessionId": session, "to": "nobody", "text": "x"})).await;
    let words = refused["content"][0]["text"].as_str().unwrap();
    assert!(refused["isError"] == true && words.contains("invalid_phone_number") && words.contains("\"fix\""), "{refused}");
    for wrong in [json!({"sessionId": session, "to": SILENT}), json!({"sessionId": session, "to": SILENT, "text": "x", "colour": "red"})] {
        assert_eq!(assistant.call("send_text", wrong).await["isError"], true);
    }
    assert_eq!(world.ledger(SILENT).await.len(), 1, "a refused call sent nothing");
    assistant.end().await;
}

#[tokio::test]
async fn what_a_key_may_not_is_no_tool_and_read_only_reads() {
    let world = World::start(Backend::Sqlite).await;
    let reader = key(&world, &["messages:read"]).await;
    let mut assistant = Assistant::start(&world, &reader, &[]).await;
    let names = assistant.names().await;
    assert!(names.contains(&"list_messages".to_owned()) && !names.contains(&"send_text".to_owned()), "{names:?}");
    let refused = assistant.call("send_text", json!({"sessionId": "s", "to": SILENT, "text": "x"})).await;
    assert_eq!(refused["isError"], true, "{refused}");
    assistant.end().await;

    let writer = key(&world, &["messages:read", "messages:send"]).await;
    let mut assistant = Assistant::start(&world, &writer, &["--read-only"]).await;
    let names = assistant.names().await;
    assert!(names.contains(&"list_chats".to_owned()) && names.iter().all(|name| !name.starts_with("send_")), "{names:?}");
    assistant.end().await;

    let mut wrong = Command::new(program("wharf"));
    let wrong = wrong.arg("mcp").env("WHARF_URL", world.api().base).env("WHARF_API_KEY", "wharf_test_wrong").output().await.unwrap();
    assert!(!wrong.status.success());
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("invalid_api_key"), "{wrong:?}");
}

/// The version of the protocol that this test speaks.
const SPOKEN: &str = "2025-06-18";

/// The forms of an answer that a client takes.
const ACCEPTED: &str = "application/json, text/event-stream";

/// A program of this machine.
fn client() -> Client {
    #[expect(clippy::disallowed_methods, reason = "an assistant of this machine, not the gateway's client")]
    let builder = Client::builder();
    builder.no_proxy().build().unwrap()
}

/// The first words of a client.
fn beginning() -> Value {
    let hello = json!({"protocolVersion": SPOKEN, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}});
    json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello})
}

/// The program over HTTP, and where it listens.
async fn listening(world: &World, key: &str, more: &[&str]) -> (Child, String) {
    let mut command = Command::new(program("wharf"));
    command.args(["mcp", "--listen", "127.0.0.1:0"]).args(more).env("WHARF_URL", world.api().base).env("WHARF_API_KEY", key);
    let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let url = tokio::time::timeout(PATIENCE, async {
        loop {
            let line = lines.next_line().await.unwrap().expect("it says where it listens");
            if let Some((_, url)) = line.split_once("listens at ") {
                break url.to_owned();
            }
        }
    });
    let url = url.await.expect("it listens in time");
    // It never waits for a reader.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (child, url)
}

/// What an answer's stream says to the request of that id; the stream may go on after it.
async fn told(mut answer: reqwest::Response, id: u64) -> Value {
    assert_eq!(answer.status().as_u16(), 200);
    let mut bytes = Vec::new();
    let event = tokio::time::timeout(PATIENCE, async {
        loop {
            bytes.extend_from_slice(&answer.chunk().await.unwrap().expect("an answer"));
            let text = String::from_utf8_lossy(&bytes);
            let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
            let mut events = whole.lines().filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data:")?.trim()).ok());
            if let Some(event) = events.find(|event| event["id"] == id) {
                break event;
            }
        }
    });
    event.await.expect("an answer in time")
}

#[tokio::test]
async fn over_http_an_assistant_lists_the_tools_of_its_key_and_calls_them() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    let key = key(&world, &["sessions:read", "messages:read"]).await;
    let (_program, url) = listening(&world, &key, &[]).await;
    let http = client();
    let post = |body: &Value| http.post(&url).header("accept", ACCEPTED).json(body);
    let begun = post(&beginning()).send().await.unwrap();
    let talk = begun.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let server = told(begun, 1).await;
    assert_eq!(server["result"]["serverInfo"]["name"], "wharf", "{server}");

    let say = |body: Value| post(&body).header("mcp-session-id", &talk).header("mcp-protocol-version", SPOKEN).send();
    let heard = say(json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await.unwrap();
    assert_eq!(heard.status().as_u16(), 202);
    let listed = told(say(json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}})).await.unwrap(), 2).await;
    let names: Vec<_> = listed["result"]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"list_sessions") && names.iter().all(|name| !name.starts_with("send_")), "{names:?}");
    let call = json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "list_sessions", "arguments": {}}});
    let called = told(say(call).await.unwrap(), 3).await;
    assert_eq!(called["result"]["structuredContent"]["data"][0]["sessionId"], session, "{called}");
}

#[tokio::test]
async fn over_http_a_page_of_another_origin_or_by_another_name_is_refused() {
    let world = World::start(Backend::Sqlite).await;
    let key = key(&world, &["messages:read"]).await;
    let (_program, url) = listening(&world, &key, &["--allow-origin", "https://app.example.com"]).await;
    let port = url.trim_start_matches("http://127.0.0.1:").trim_end_matches("/mcp");
    let http = client();
    let status = async |request: RequestBuilder| request.header("accept", ACCEPTED).send().await.unwrap().status().as_u16();
    let begin = || http.post(&url).json(&beginning());
    assert_eq!(status(begin()).await, 200, "a program names no origin");
    for here in ["localhost", "127.0.0.1", "[::1]"] {
        assert_eq!(status(begin().header("origin", format!("http://{here}:{port}"))).await, 200, "{here}");
        assert_eq!(status(begin().header("host", format!("{here}:{port}"))).await, 200, "{here}");
    }
    assert_eq!(status(begin().header("origin", "https://app.example.com")).await, 200, "it was allowed");
    let nearly = ["http://app.example.com", "https://app.example.com:8443", "http://localhost:1"];
    for origin in nearly.into_iter().chain(["https://evil.example", "null", "nonsense"]) {
        assert_eq!(status(begin().header("origin", origin)).await, 403, "{origin}");
        for method in [Method::GET, Method::DELETE] {
            assert_eq!(status(http.request(method, &url).header("origin", origin)).await, 403, "{origin}");
        }
    }
    // A name that leads here by a page's own name server is not this machine's.
    for host in ["evil.example:8090", "localhost.evil.example", "192.0.2.1"] {
        assert_eq!(status(begin().header("host", host)).await, 403, "{host}");
    }
}

#[tokio::test]
async fn an_origin_that_cannot_be_meant_or_that_nobody_would_ask_by_is_refused_at_the_start() {
    let world = World::start(Backend::Sqlite).await;
    let key = key(&world, &["messages:read"]).await;
    for (line, word) in
        [("--listen 127.0.0.1:0 --allow-origin app.example.com", "--allow-origin"), ("--allow-origin https://app.example.com", "--listen")]
    {
        let mut command = Command::new(program("wharf"));
        command.arg("mcp").args(line.split(' ')).env("WHARF_URL", world.api().base).env("WHARF_API_KEY", &key);
        let ended = tokio::time::timeout(PATIENCE, command.stdin(Stdio::null()).kill_on_drop(true).output());
        let refused = ended.await.expect("it ends").unwrap();
        assert_eq!(refused.status.code(), Some(2), "{line}: {refused:?}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains(word), "{line}: {refused:?}");
    }
}

/// Asks the program to end, and tells the exit code that it ends with.
async fn ended(program: &mut Child, signal: Signal) -> Option<i32> {
    let id = Pid::from_raw(i32::try_from(program.id().expect("it runs")).unwrap());
    kill(id, signal).unwrap();
    tokio::time::timeout(PATIENCE, program.wait()).await.expect("it ends in time").unwrap().code()
}

#[tokio::test]
async fn it_ends_in_order_when_it_is_asked_to() {
    let world = World::start(Backend::Sqlite).await;
    let key = key(&world, &["messages:read"]).await;
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        // Its line stays open: it is the signal that ends it.
        let Assistant { mut child, says: _says, .. } = Assistant::start(&world, &key, &[]).await;
        assert_eq!(ended(&mut child, signal).await, Some(0), "{signal}");

        let (mut program, url) = listening(&world, &key, &[]).await;
        let http = client();
        let begun = http.post(&url).header("accept", ACCEPTED).json(&beginning()).send().await.unwrap();
        let talk = begun.headers()["mcp-session-id"].clone();
        told(begun, 1).await;
        let ear = http.get(&url).header("accept", "text/event-stream").header("mcp-session-id", talk);
        let mut stream = ear.header("mcp-protocol-version", SPOKEN).send().await.unwrap();
        assert_eq!(stream.status().as_u16(), 200);
        assert_eq!(ended(&mut program, signal).await, Some(0), "{signal}");
        // The stream came to its end, and was not cut.
        while stream.chunk().await.expect("its end").is_some() {}
    }
}

#[tokio::test]
async fn over_http_it_listens_to_its_own_machine_and_to_no_other() {
    let world = World::start(Backend::Sqlite).await;
    let key = key(&world, &["messages:read"]).await;
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8090"] {
        let mut command = Command::new(program("wharf"));
        command.args(["mcp", "--listen", address]).env("WHARF_URL", world.api().base).env("WHARF_API_KEY", &key);
        let ended = tokio::time::timeout(PATIENCE, command.stdin(Stdio::null()).kill_on_drop(true).output());
        let refused = ended.await.expect("it ends").unwrap();
        assert_eq!(refused.status.code(), Some(2), "{address}: {refused:?}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains("--listen"), "{address}: {refused:?}");
    }
}
