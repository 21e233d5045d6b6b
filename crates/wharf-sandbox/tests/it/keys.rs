//! Keys: three kinds of refusal told apart, permissions, binding, and no secret at rest.

use std::time::Duration;

use serde_json::{Value, json};
use wharf_api::{ErrorCode, limits};

use crate::harness::{Api, Backend, Hook, OWNER, World, both_backends};

/// A poll whose key nobody looks at ends after half a minute, and a stream never.
const ENDS_WITHIN: Duration = Duration::from_secs(20);

both_backends! {
    async fn missing_invalid_expired_and_insufficient_keys_are_told_apart(backend) {
        let world = World::start(backend).await;
        let api = world.api();
        api.with_key("").get("/v1/sessions").await.refused(ErrorCode::MissingApiKey);
        api.with_key("nonsense").get("/v1/sessions").await.refused(ErrorCode::InvalidApiKey);
        let mut forged = api.key.clone();
        forged.replace_range(20..21, if &forged[20..21] == "x" { "y" } else { "x" });
        api.with_key(&forged).get("/v1/sessions").await.refused(ErrorCode::InvalidApiKey);

        let expired = api.post("/v1/api-keys", &json!({"name": "old", "permissions": ["sessions:read"], "expiresAt": "2020-01-01T00:00:00Z"})).await;
        let expired = expired.ok(201)["apiKey"].as_str().unwrap().to_owned();
        api.with_key(&expired).get("/v1/sessions").await.refused(ErrorCode::ExpiredApiKey);

        let reader = api.post("/v1/api-keys", &json!({"name": "reader", "permissions": ["sessions:read"]})).await;
        let reader_id = reader.ok(201)["keyId"].as_str().unwrap().to_owned();
        let reader = api.with_key(reader.data()["apiKey"].as_str().unwrap());
        reader.get("/v1/sessions").await.ok(200);
        reader.post("/v1/sessions", &json!({"name": "no"})).await.refused(ErrorCode::InsufficientPermissions);
        api.delete(&format!("/v1/api-keys/{reader_id}")).await.ok(200);
        reader.get("/v1/sessions").await.refused(ErrorCode::InvalidApiKey);

        // The key stands before everything: an unknown session behind a bad key is a 401.
        api.with_key("nonsense").get("/v1/sessions/ses_0").await.refused(ErrorCode::InvalidApiKey);
    }

    async fn a_stream_and_a_long_poll_end_within_seconds_of_their_key(backend) {
        let world = World::start(backend).await;
        let api = world.api();
        let reader = api.post("/v1/api-keys", &json!({"name": "reader", "permissions": ["events:read"]})).await;
        let id = reader.ok(201)["keyId"].as_str().unwrap().to_owned();
        let reader = api.with_key(reader.data()["apiKey"].as_str().unwrap());
        let mut stream = reader.request("GET", "/v1/events").header("Accept", "text/event-stream").send().await.unwrap();
        assert!(stream.chunk().await.unwrap().is_some(), "it is open");
        let poll = tokio::spawn({
            let reader = reader.clone();
            async move { reader.get("/v1/events?cursor=latest&wait=30").await }
        });
        api.delete(&format!("/v1/api-keys/{id}")).await.ok(200);
        let ends = async { while stream.chunk().await.unwrap().is_some() {} };
        let both = async { tokio::join!(ends, poll) };
        let ((), poll) = tokio::time::timeout(ENDS_WITHIN, both).await.expect("both end");
        poll.unwrap().refused(ErrorCode::InvalidApiKey);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_bound_to_one_session_sees_no_other() {
    let world = World::start(Backend::Sqlite).await;
    let api = world.api();
    let mine = world.pair(OWNER).await;
    let other = api.post("/v1/sessions", &json!({"name": "other"})).await.ok(201)["sessionId"].as_str().unwrap().to_owned();
    let bound =
        api.post("/v1/api-keys", &json!({"name": "bound", "permissions": ["sessions:read", "messages:send"], "sessionIds": [mine]})).await;
    let bound = api.with_key(bound.ok(201)["apiKey"].as_str().unwrap());
    bound.get(&format!("/v1/sessions/{mine}")).await.ok(200);
    bound.get(&format!("/v1/sessions/{other}")).await.refused(ErrorCode::SessionNotFound);
    assert_eq!(bound.get("/v1/sessions").await.ok(200).as_array().unwrap().len(), 1);
}

/// The list as its reader turns the pages, a row each: what stands in `id`, and how many pages there were.
async fn turned(api: &Api, list: &str, id: &str) -> (Vec<Value>, usize) {
    let (mut rows, mut pages, mut path) = (Vec::new(), 0, format!("{list}?limit=1"));
    loop {
        let page = api.get(&path).await;
        let shown = page.ok(200).as_array().unwrap();
        assert!(shown.len() <= 1, "{page:?}");
        rows.extend(shown.iter().map(|row| row[id].clone()));
        pages += 1;
        let Some(next) = page.json["page"]["next"].as_str() else { return (rows, pages) };
        assert_eq!(shown.len(), 1, "a page before the last one is full: {page:?}");
        path = format!("{list}?limit=1&cursor={next}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_key_turns_full_pages_and_misses_none_wherever_its_sessions_stand() {
    let world = World::start(Backend::Sqlite).await;
    let (api, hook) = (world.api(), Hook::start().await);
    let (mut sessions, mut webhooks) = (Vec::new(), Vec::new());
    for name in ["first", "second", "third"] {
        let session = api.post("/v1/sessions", &json!({"name": name})).await.ok(201)["sessionId"].clone();
        let body = json!({"url": hook.url("/none"), "events": ["call.received"], "sessionId": session});
        webhooks.push(api.post("/v1/webhooks", &body).await.ok(201)["webhookId"].clone());
        sessions.push(session);
    }
    let rights = ["sessions:read", "webhooks:manage"];
    // Behind the others, before them and around them.
    for places in [&[2][..], &[0], &[0, 2], &[0, 1, 2]] {
        let of = |rows: &[Value]| places.iter().map(|place| rows[*place].clone()).collect::<Vec<_>>();
        let key = json!({"name": "bound", "permissions": rights, "sessionIds": of(&sessions)});
        let bound = api.with_key(api.post("/v1/api-keys", &key).await.ok(201)["apiKey"].as_str().unwrap());
        for (list, id, all) in [("/v1/sessions", "sessionId", &sessions), ("/v1/webhooks", "webhookId", &webhooks)] {
            let (rows, pages) = turned(&bound, list, id).await;
            assert_eq!(rows, of(all), "{list} of {places:?}");
            // Behind the last row that it sees there may be others: then, and only then, one more page says that there is nothing more.
            let others_behind = places.last() != Some(&2);
            assert_eq!(pages, places.len() + usize::from(others_behind), "{list} of {places:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_key_gets_round_its_binding_by_no_new_session_webhook_or_revocation() {
    let world = World::start(Backend::Sqlite).await;
    let api = world.api();
    let made = async |body: Value| {
        let made = api.post("/v1/api-keys", &body).await;
        (made.ok(201)["keyId"].as_str().unwrap().to_owned(), api.with_key(made.data()["apiKey"].as_str().unwrap()))
    };
    let session = async |name: &str| api.post("/v1/sessions", &json!({"name": name})).await.ok(201)["sessionId"].clone();
    let (mine, other) = (session("mine").await, session("other").await);
    let all = json!(["sessions:write", "keys:manage", "webhooks:manage"]);
    let (_, bound) = made(json!({"name": "bound", "permissions": all, "sessionIds": [mine, mine]})).await;
    bound.post("/v1/sessions", &json!({"name": "third"})).await.refused(ErrorCode::InsufficientPermissions);
    for beyond in [json!(null), json!([other]), json!([mine, other])] {
        let (id, key) = made(json!({"name": "beyond", "permissions": ["keys:manage"], "sessionIds": beyond})).await;
        bound.delete(&format!("/v1/api-keys/{id}")).await.refused(ErrorCode::InsufficientPermissions);
        key.get("/v1/api-keys").await.ok(200);
    }
    let (id, _) = made(json!({"name": "equal", "permissions": ["account:read"], "sessionIds": [mine]})).await;
    bound.delete(&format!("/v1/api-keys/{id}")).await.ok(200);

    // A webhook tells everything of its session: who may not make one makes none beside a session.
    let (_, writer) = made(json!({"name": "writer", "permissions": ["sessions:write"]})).await;
    let body = json!({"name": "hooked", "webhook": "http://127.0.0.1:9000/"});
    writer.post("/v1/sessions", &body).await.refused(ErrorCode::InsufficientPermissions);
    writer.post("/v1/sessions", &json!({"name": "plain"})).await.ok(201);

    let ids = vec![mine; 1001];
    let many = |ids: &[Value]| json!({"name": "many", "permissions": ["account:read"], "sessionIds": ids});
    let details = api.post("/v1/api-keys", &many(&ids)).await;
    let details = details.refused(ErrorCode::InvalidRequest);
    assert_eq!((&details["field"], &details["limit"], &details["actual"]), (&json!("sessionIds"), &json!(1000), &json!(1001)));
    api.post("/v1/api-keys", &many(&ids[..1000])).await.ok(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_makes_nothing_that_outlives_it_and_revokes_no_operators_key() {
    let world = World::start(Backend::Sqlite).await;
    let (api, operator) = (world.api(), world.operator());
    let (soon, later) = (json!("2090-01-01T00:00:00Z"), json!("2090-01-01T00:00:01Z"));
    let rights = json!(["keys:manage", "messages:read"]);
    let made = api.post("/v1/api-keys", &json!({"name": "an hour", "permissions": rights, "expiresAt": soon})).await;
    let (own, short) = (made.ok(201)["keyId"].as_str().unwrap().to_owned(), api.with_key(made.data()["apiKey"].as_str().unwrap()));
    for end in [json!(null), later] {
        let refused = short.post("/v1/api-keys", &json!({"name": "x", "permissions": rights, "expiresAt": end})).await;
        refused.refused(ErrorCode::InsufficientPermissions);
    }
    short.post("/v1/api-keys", &json!({"name": "as long", "permissions": rights, "expiresAt": soon})).await.ok(201);
    // A new secret for a key without an end would be the same.
    let endless = api.post("/v1/api-keys", &json!({"name": "endless", "permissions": rights})).await.ok(201)["keyId"].clone();
    let path = format!("/v1/api-keys/{}", endless.as_str().unwrap());
    short.post(&format!("{path}/rotate"), &json!({})).await.refused(ErrorCode::InsufficientPermissions);

    let keys = operator.get("/v1/api-keys").await;
    let of_operator = keys.ok(200).as_array().unwrap().iter().find(|key| key["name"] == "operator");
    let of_operator = of_operator.expect("the operator's key")["keyId"].as_str().unwrap().to_owned();
    short.delete(&format!("/v1/api-keys/{of_operator}")).await.refused(ErrorCode::InsufficientPermissions);
    operator.get("/v1/admin/plans").await.ok(200);
    short.delete(&path).await.ok(200);
    short.delete(&format!("/v1/api-keys/{own}")).await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_holds_no_key_in_clear() {
    let mut world = World::start(Backend::Sqlite).await;
    let key = world.api().key;
    world.stop_gateway().await;
    let secret = key.rsplit('_').next().unwrap().as_bytes().to_vec();
    let mut databases = 0;
    for entry in std::fs::read_dir(world.dir().join("gateway")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().contains("sqlite") {
            databases += 1;
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(secret.len()).any(|part| part == secret), "{}", path.display());
        }
    }
    assert!(databases > 0, "a database file was looked at");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_a_hundred_good_keys_and_the_next_when_one_is_revoked_or_an_operator_makes_it() {
    let world = World::start(Backend::Sqlite).await;
    let plan = json!({"callsPerMinute": 100_000, "concurrentRequests": 100});
    let (api, account) = world.tenant("keys", &plan).await;
    let key = json!({"name": "k", "permissions": ["account:read"]});
    let mut last = String::new();
    for _ in 1..limits::KEYS_PER_ACCOUNT {
        api.post("/v1/api-keys", &key).await.ok(201)["keyId"].as_str().unwrap().clone_into(&mut last);
    }
    let refused = api.post("/v1/api-keys", &key).await;
    let details = refused.refused(ErrorCode::InvalidRequest);
    assert_eq!(
        (&details["limit"], &details["actual"]),
        (&json!(limits::KEYS_PER_ACCOUNT), &json!(limits::KEYS_PER_ACCOUNT)),
        "{refused:?}"
    );
    let by_operator = format!("/v1/admin/accounts/{account}/api-keys");
    world.operator().post(&by_operator, &key).await.ok(201);
    api.post(&format!("/v1/api-keys/{last}/rotate"), &json!({})).await.ok(201);
    for _ in 0..3 {
        let newest = api.get("/v1/api-keys?limit=200").await;
        let is_good = |row: &&Value| row["revokedAt"].is_null() && row["name"] == "k";
        let id = newest.ok(200).as_array().unwrap().iter().find(is_good).unwrap()["keyId"].as_str().unwrap().to_owned();
        api.delete(&format!("/v1/api-keys/{id}")).await.ok(200);
    }
    api.post("/v1/api-keys", &key).await.ok(201);
}
