//! `Idempotency-Key` on what cannot be made anew: keys, secrets, accounts, groups and files.

use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::harness::{Api, Backend, ECHO, Hook, Mode, OWNER, READER, Reply, World, api, both_backends, eventually};

async fn post(api: &Api, path: &str, key: &str, body: &Value) -> Reply {
    api::read(api.request("POST", path).header("Idempotency-Key", key).json(body)).await
}

async fn upload(api: &Api, key: &str, file: &str) -> Reply {
    api::read(api.request("POST", "/v1/media?mediaType=document").header("Idempotency-Key", key).body(file.to_owned())).await
}

/// The first answer, and nothing but it.
fn is_replay(again: &Reply, first: &Reply) {
    assert_eq!((again.status, again.header("idempotent-replayed")), (first.status, "true"), "{again:?}");
    assert_eq!(again.bytes, first.bytes);
}

both_backends! {
    async fn a_repeat_gets_the_first_answer_with_its_secret_and_the_database_shows_none(backend) {
        let mut world = World::start(backend).await;
        let (api, operator, hook) = (world.api(), world.operator(), Hook::start().await);
        let session = world.pair(OWNER).await;
        let key = api.post("/v1/api-keys", &json!({"name": "old", "permissions": ["messages:read"]})).await.ok(201)["keyId"].clone();
        let webhook = api.post("/v1/webhooks", &json!({"url": hook.url("/old"), "events": ["*"]})).await.ok(201)["webhookId"].clone();
        let account = operator.post("/v1/admin/accounts", &json!({"name": "shop", "plan": "free"})).await.ok(201)["accountId"].clone();
        let [key, webhook, account] = [key, webhook, account].map(|id| id.as_str().unwrap().to_owned());
        let named = |name: &str| json!({"name": name, "permissions": ["messages:send"]});
        let hooked = |path: &str| json!({"url": hook.url(path), "events": ["message.received"]});
        let group = |subject: &str| json!({"sessionId": session, "subject": subject, "participants": [ECHO, READER]});
        let overlap = |seconds: u64| json!({"overlapSeconds": seconds});
        let asks = [
            (&api, "/v1/webhooks".to_owned(), hooked("/one"), hooked("/two"), "secret"),
            (&api, format!("/v1/webhooks/{webhook}/rotate-secret"), overlap(60), overlap(61), "secret"),
            (&api, "/v1/api-keys".to_owned(), named("one"), named("two"), "apiKey"),
            (&api, format!("/v1/api-keys/{key}/rotate"), overlap(60), overlap(61), "apiKey"),
            (&operator, format!("/v1/admin/accounts/{account}/api-keys"), named("one"), named("two"), "apiKey"),
            (&operator, "/v1/admin/accounts".to_owned(), json!({"name": "a", "plan": "free"}), json!({"name": "b", "plan": "free"}), "accountId"),
            (&api, "/v1/groups".to_owned(), group("one"), group("two"), "groupId"),
        ];
        let mut secrets = Vec::new();
        for (api, path, body, other, shown) in &asks {
            let first = post(api, path, "k", body).await;
            assert!(matches!(first.status, 200 | 201) && first.header("idempotent-replayed").is_empty(), "{path}: {first:?}");
            is_replay(&post(api, path, "k", body).await, &first);
            post(api, path, "k", other).await.refused(ErrorCode::IdempotencyKeyReused);
            let another = post(api, path, "another", body).await;
            assert!(another.status == first.status && another.data()[shown] != first.data()[shown], "{path}: {another:?}");
            if matches!(*shown, "secret" | "apiKey") {
                secrets.push(first.data()[shown].as_str().unwrap().to_owned());
            }
        }
        assert_eq!(secrets.len(), 5);
        let first = upload(&api, "k", "a file").await;
        first.ok(201);
        is_replay(&upload(&api, "k", "a file").await, &first);
        upload(&api, "k", "another file").await.refused(ErrorCode::IdempotencyKeyReused);
        assert_eq!(upload(&api, "another", "a file").await.status, 201);

        // What was made is made once, and what the answer shows works.
        assert_eq!(api.get("/v1/webhooks").await.ok(200).as_array().unwrap().len(), 3);
        let groups = api.get(&format!("/v1/groups?sessionId={session}")).await;
        assert_eq!(groups.ok(200).as_array().unwrap().iter().filter(|group| group["subject"] == "one").count(), 2);
        assert_eq!(api.with_key(&secrets[2]).get("/v1/account").await.code(), "insufficient_permissions");

        let stored = world.stored().await;
        assert!(stored.windows(webhook.len()).any(|part| part == webhook.as_bytes()), "this looks into the database");
        for secret in secrets {
            let random = &secret[secret.len() - 40..];
            assert!(!stored.windows(random.len()).any(|part| part == random.as_bytes()), "{} is readable", &secret[..6]);
        }
    }

    async fn a_key_is_in_use_while_its_request_runs_and_free_again_after_a_refusal(backend) {
        let world = World::start(backend).await;
        let (api, hook) = (world.api(), Hook::start().await);
        let body = json!({"url": hook.url("/x"), "events": ["*"]});
        hook.set("/x", Mode::Silence);
        let first = tokio::spawn({
            let (api, body) = (api.clone(), body.clone());
            async move { post(&api, "/v1/webhooks", "k", &body).await }
        });
        eventually("the test is under way", async || if hook.tests("/x").is_empty() { Err(String::new()) } else { Ok(()) }).await;
        let second = post(&api, "/v1/webhooks", "k", &body).await;
        second.refused(ErrorCode::IdempotencyKeyInUse);
        assert!(!second.header("retry-after").is_empty());
        first.await.unwrap().refused(ErrorCode::WebhookResponseTimeout);
        assert_eq!(hook.tests("/x").len(), 1, "the repeat did nothing");
        hook.set("/x", Mode::Answer(200));
        let made = post(&api, "/v1/webhooks", "k", &body).await;
        made.ok(201);
        is_replay(&post(&api, "/v1/webhooks", "k", &body).await, &made);
    }

    async fn of_many_at_once_one_makes_it_and_the_others_hear_of_that_one(backend) {
        let world = World::start(backend).await;
        let api = world.api();
        let body = json!({"name": "once", "permissions": ["messages:read"]});
        let replies = futures::future::join_all((0..20).map(|_| post(&api, "/v1/api-keys", "k", &body))).await;
        for reply in &replies {
            assert_eq!((reply.status, &reply.bytes), (201, &replies[0].bytes));
        }
        assert_eq!(replies.iter().filter(|reply| reply.header("idempotent-replayed").is_empty()).count(), 1);
        let made = api.get("/v1/api-keys?limit=200").await;
        assert_eq!(made.ok(200).as_array().unwrap().iter().filter(|key| key["name"] == "once").count(), 1);
    }

    async fn a_death_under_a_request_leaves_its_key_in_use_and_no_other(backend) {
        let mut world = World::start(backend).await;
        let hook = Hook::start().await;
        let body = json!({"url": hook.url("/x"), "events": ["*"]});
        hook.set("/x", Mode::Silence);
        let api = world.api();
        let first = api.request("POST", "/v1/webhooks").header("Idempotency-Key", "k").json(&body).send();
        let killed = async {
            eventually("the test is under way", async || if hook.tests("/x").is_empty() { Err(String::new()) } else { Ok(()) }).await;
            world.kill_gateway().await;
        };
        let (first, ()) = tokio::join!(first, killed);
        assert!(first.is_err(), "it has no answer");
        hook.set("/x", Mode::Answer(200));
        world.start_gateway(&[]).await;
        let api = world.api();
        post(&api, "/v1/webhooks", "k", &body).await.refused(ErrorCode::IdempotencyKeyInUse);
        post(&api, "/v1/webhooks", "another", &body).await.ok(201);
        assert_eq!(api.get("/v1/webhooks").await.ok(200).as_array().unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_by_a_key_that_may_do_less_gets_no_answer_of_another() {
    let world = World::start(Backend::Sqlite).await;
    let (api, session) = (world.api(), world.pair(OWNER).await);
    let other = api.post("/v1/sessions", &json!({"name": "other"})).await.ok(201)["sessionId"].clone();
    let made = async |permissions: Value, sessions: Value| {
        let made = api.post("/v1/api-keys", &json!({"name": "x", "permissions": permissions, "sessionIds": sessions})).await;
        api.with_key(made.ok(201)["apiKey"].as_str().unwrap())
    };
    let bound = made(json!(["messages:send", "keys:manage"]), json!([other])).await;
    let equal = made(json!(["messages:send", "keys:manage"]), json!(null)).await;

    let text = json!({"sessionId": session, "to": READER, "text": "once"});
    let first = post(&api, "/v1/messages/text", "deploy", &text).await;
    first.ok(201);
    post(&bound, "/v1/messages/text", "deploy", &text).await.refused(ErrorCode::IdempotencyKeyReused);
    is_replay(&post(&equal, "/v1/messages/text", "deploy", &text).await, &first);
    is_replay(&post(&api, "/v1/messages/text", "deploy", &text).await, &first);

    // A secret is for the key that asked.
    let new = json!({"name": "new", "permissions": ["messages:send"]});
    let first = post(&api, "/v1/api-keys", "deploy", &new).await;
    first.ok(201);
    for another in [&bound, &equal] {
        post(another, "/v1/api-keys", "deploy", &new).await.refused(ErrorCode::IdempotencyKeyReused);
    }
    is_replay(&post(&api, "/v1/api-keys", "deploy", &new).await, &first);
    // With a webhook a new session comes with a secret too.
    let plain = made(json!(["sessions:write"]), json!(null)).await;
    let new = json!({"name": "new"});
    post(&api, "/v1/sessions", "deploy", &new).await.ok(201);
    post(&plain, "/v1/sessions", "deploy", &new).await.refused(ErrorCode::IdempotencyKeyReused);
}
