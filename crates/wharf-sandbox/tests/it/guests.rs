//! The test machine's own ports answer this machine, and no page that a browser was lured to.

use serde_json::{Value, json};

use crate::harness::{Backend, ECHO, SILENT, World};

const JSON: &str = "application/json";
const PLAIN: &str = "text/plain";

async fn asked(request: reqwest::RequestBuilder) -> (u16, String) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    assert!(text.ends_with("}\n"), "a terminal's prompt stands on a line of its own: {text:?}");
    let body: Value = serde_json::from_str(&text).unwrap();
    (status, body["error"]["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn another_machines_page_moves_neither_phones_nor_the_clock() {
    let world = World::start(Backend::Sqlite).await;
    let (control, clock) = (world.control().base, world.clock().base);
    let phones = format!("{control}/control/phones");
    let send = format!("{phones}/{ECHO}/send");
    #[expect(clippy::disallowed_methods, reason = "a browser of this machine, not the gateway's client")]
    let http = reqwest::Client::new();
    let text = json!({"to": SILENT, "text": "from a page"}).to_string();
    let ahead = json!({"advanceSeconds": 0}).to_string();
    let posts = [(&send, &text), (&clock, &ahead)];
    let refused = (403, "not_from_here".to_owned());

    for url in [&phones, &clock] {
        // A name that leads here, by the page's own name server.
        assert_eq!(asked(http.get(url).header("host", "evil.example:8080")).await, refused, "{url}");
        assert_eq!(asked(http.get(url).header("host", "localhost:8080")).await.0, 200, "{url}");
    }
    for (url, body) in posts {
        for origin in ["https://evil.example", "http://localhost.evil.example", "null"] {
            // A form needs no leave to post this.
            let post = http.post(url).header("content-type", PLAIN).header("origin", origin).body(body.clone());
            assert_eq!(asked(post).await, refused, "{url} {origin}");
        }
    }
    assert_eq!(world.control().get(&format!("/control/phones/{SILENT}/messages")).await.data(), &json!([]), "nobody wrote");
    for origin in ["http://localhost:3000", "http://127.0.0.1:8080", "http://[::1]"] {
        for (url, body) in posts {
            let post = http.post(url).header("content-type", JSON).header("origin", origin).body(body.clone());
            assert_eq!(asked(post).await.0, 200, "{url} {origin}");
        }
    }
}
