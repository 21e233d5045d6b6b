//! An assistant's way in: the program `wharf mcp`, spoken to as its clients do.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::harness::process::program;
use crate::harness::{Backend, OWNER, SILENT, World};

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
        let mut child = command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
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
