//! Nodes that may neither read nor write, because what they do would be wrong, beside those that are not ready for a lesser reason.

use serde_json::json;
use wharf_api::ErrorCode;

use crate::harness::{Api, Backend, Hook, OWNER, Reply, SILENT, World, eventually};

/// What each customer does sooner or later: what is sealed, what is opened, and what is only read.
async fn calls(api: &Api, session: &str) -> Vec<Reply> {
    vec![
        api.get("/v1/sessions").await,
        api.get(&format!("/v1/sessions/{session}")).await,
        api.get("/v1/messages").await,
        api.get("/v1/webhooks").await,
        api.get("/v1/account").await,
        api.post("/v1/messages/text", &json!({"sessionId": session, "to": SILENT, "text": "through the door"})).await,
    ]
}

/// The node refuses every call, also those with a key that is none: it could not know.
pub async fn refuses(api: &Api, session: &str) {
    let mut replies = calls(api, session).await;
    replies.push(api.post("/v1/sessions", &json!({"name": "refused"})).await);
    replies.push(api.post("/v1/login", &json!({"name": "ada", "password": "a long pass phrase"})).await);
    replies.push(api.with_key("wharf_test_none").get("/v1/account").await);
    for reply in replies {
        let details = reply.refused(ErrorCode::ServiceUnavailable);
        assert!(details["retryAfter"].as_u64().is_some_and(|seconds| seconds > 0), "{reply:?}");
        assert!(!reply.header("retry-after").is_empty(), "{reply:?}");
    }
}

/// The node answers all of it.
pub async fn answers(api: &Api, session: &str) {
    for reply in calls(api, session).await {
        assert!(matches!(reply.status, 200 | 201), "{reply:?}");
    }
}

/// What says how a node is, and what the API is, is answered by any.
pub async fn shows_itself(api: &Api) {
    let open = api.with_key("");
    for path in ["/healthz", "/v1/errors", "/openapi.json", "/metrics"] {
        let reply = open.get(path).await;
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
    }
}

/// Waits until the node says this of itself; nothing where it is ready.
async fn until(api: &Api, reason: Option<&str>) {
    eventually("the node says how it is", async || {
        let ready = api.with_key("").get("/readyz").await;
        let told = ready.json["error"]["details"]["reason"].as_str();
        let is_said = match (reason, told) {
            (None, None) => ready.status == 200,
            (Some(reason), Some(told)) => told.contains(reason),
            _ => false,
        };
        if is_said { Ok(()) } else { Err(format!("{ready:?}")) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_file_was_put_aside_refuses_all_calls_and_ends_its_sessions_until_it_is_back() {
    let world = World::start(Backend::Sqlite).await;
    let (session, api) = (world.pair(OWNER).await, world.api());
    answers(&api, &session).await;
    let (file, aside) = (world.dir().join("gateway/wharf.sqlite"), world.dir().join("aside"));
    std::fs::rename(&file, &aside).unwrap();
    // Whichever of the looks is first.
    until(&api, Some("another one than at the start")).await;
    eventually("its door is shut", async || {
        let reply = api.get("/v1/account").await;
        if reply.status == 503 { Ok(()) } else { Err(format!("{reply:?}")) }
    })
    .await;
    refuses(&api, &session).await;
    shows_itself(&api).await;
    std::fs::rename(&aside, &file).unwrap();
    until(&api, None).await;
    world.until_connected(&session).await;
    answers(&api, &session).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_server_brings_another_installations_database_refuses_all_calls_and_touches_no_row_of_it() {
    let world = World::start(Backend::Postgres).await;
    let (session, api, hook) = (world.pair(OWNER).await, world.api(), Hook::start().await);
    let webhook = json!({"url": hook.url("/x"), "events": ["*"]});
    api.post("/v1/webhooks", &webhook).await.ok(201);
    answers(&api, &session).await;
    // As it is after a start on another volume: the rows are there, and they are somebody else's.
    world.sql("UPDATE meta SET value = value || '-another' WHERE name = 'installation'").await;
    until(&api, Some("another one than at the start")).await;
    refuses(&api, &session).await;
    shows_itself(&api).await;
    let data = world.dir().join("gateway");
    let failing = world.database().count(&data, "SELECT COUNT(*) FROM webhooks WHERE failing_since IS NOT NULL").await;
    let stale = world.database().count(&data, "SELECT COUNT(*) FROM session_owner WHERE stale = 1").await;
    assert_eq!((failing, stale), (0, 0));
    world.sql("UPDATE meta SET value = replace(value, '-another', '') WHERE name = 'installation'").await;
    until(&api, None).await;
    world.until_connected(&session).await;
    answers(&api, &session).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_not_ready_for_a_lesser_reason_answers_as_before() {
    let world = World::start(Backend::Sqlite).await;
    let (session, api) = (world.pair(OWNER).await, world.api());
    for (name, reason) in [("media", "file store"), ("master.key", "master key is away")] {
        let (there, away) = (world.dir().join("gateway").join(name), world.dir().join("away"));
        std::fs::rename(&there, &away).unwrap();
        until(&api, Some(reason)).await;
        answers(&api, &session).await;
        std::fs::rename(&away, &there).unwrap();
        until(&api, None).await;
    }
}
