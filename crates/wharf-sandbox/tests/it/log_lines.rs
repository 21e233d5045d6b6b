//! A line of the log says for whom the work was done: a request, a session, a webhook, a worker.

use serde_json::{Value, json};

use crate::harness::{Backend, ECHO, OWNER, SILENT, World, eventually};

/// What goes wrong, and a line for each request.
const LOG: &str = "warn,wharf::request=debug";

/// The lines so far. Each must be one JSON object.
fn lines(world: &World) -> Vec<Value> {
    world.log().lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// The innermost span of a line with that name.
fn span<'a>(line: &'a Value, name: &str) -> Option<&'a Value> {
    line["spans"].as_array()?.iter().rev().find(|span| span["name"] == name)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_line_of_a_broken_store_names_the_request_the_session_or_the_worker() {
    let world = World::start_with(Backend::Sqlite, &[("WHARF_LOG", LOG), ("WHARF_LOG_FORMAT", "json")]).await;
    let session = world.pair(OWNER).await;
    world.sql("ALTER TABLE events RENAME TO elsewhere").await;
    let reply = world.api().post("/v1/messages/text", &json!({"sessionId": session, "to": ECHO, "text": "hello"})).await;
    assert!(reply.status >= 500, "{reply:?}");
    let request = reply.headers["x-request-id"].to_str().unwrap().to_owned();
    world.phone_sends(SILENT, OWNER, "hello").await;
    eventually("the session says that it takes nothing", async || {
        let lines = lines(&world);
        let of_session = |line: &&Value| span(line, "session").is_some_and(|span| span["id"] == *session);
        if lines.iter().any(|line| of_session(&line)) { Ok(()) } else { Err(format!("{lines:?}")) }
    })
    .await;
    let lines = lines(&world);
    let of_request: Vec<_> = lines.iter().filter(|line| span(line, "request").is_some_and(|span| span["id"] == request)).collect();
    assert!(!of_request.is_empty(), "{lines:?}");
    for line in &of_request {
        assert_eq!(span(line, "request").unwrap()["operation"], "send_text", "{line}");
    }
    // By its id one finds all that was said of it: what went wrong, and how it was answered. With --nocapture they can be read.
    let joined: Vec<_> = lines.iter().filter(|line| line.to_string().contains(&request)).collect();
    println!("request {request} on a failing store:");
    for line in &joined {
        println!("{line}");
    }
    let answered = joined.iter().find(|line| line["request_id"] == request).unwrap_or_else(|| panic!("{joined:?}"));
    assert_eq!((&answered["status"], &answered["code"]), (&json!(reply.status), &json!(reply.code())), "{answered}");
    assert!(of_request.iter().any(|line| line["cause"].is_string()), "{of_request:?}");
    // The session was begun by a request, which is long over: its lines are not that one's.
    for line in lines.iter().filter(|line| span(line, "session").is_some()) {
        assert!(span(line, "request").is_none(), "{line}");
        // A client's span stands in the place of its session's.
        assert_eq!(line["spans"].as_array().unwrap().iter().filter(|span| span["name"] == "session").count(), 1, "{line}");
    }
    // Who reads what a client wrote sees whether it was the one that has the session.
    let epochs: Vec<_> = lines.iter().filter_map(|line| span(line, "session")?["epoch"].as_i64()).collect();
    assert!(epochs.iter().any(|epoch| *epoch >= 1), "{lines:?}");
    // Nothing of what people say or of whom they are stands in a span.
    for line in &lines {
        let spans = line["spans"].to_string();
        assert!(!spans.contains(OWNER) && !spans.contains(ECHO) && !spans.contains("hello"), "{line}");
    }
    world.sql("ALTER TABLE elsewhere RENAME TO events").await;
    world.until_connected(&session).await;
}
