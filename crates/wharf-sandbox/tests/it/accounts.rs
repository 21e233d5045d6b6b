//! Accounts, plans, rotation, usage, and every permission against every operation.

use serde_json::{Value, json};
use wharf_api::ops::{self, Access, Operation};
use wharf_api::{ErrorCode, Permission};

use crate::harness::{Api, Backend, OWNER, Reply, SILENT, World, assert_includes, both_backends, eventually};

async fn call(api: &Api, operation: &Operation) -> Reply {
    // Names that no object has: what is allowed finds nothing.
    let path = operation.path.replace("{sessionId}", "ses_0").replace("{messageId}", "msg_0").replace("{keyId}", "key_0");
    let path = path.replace("{accountId}", "acc_0").replace("{name}", "NO");
    let request = api.request(operation.method.as_str(), &path);
    crate::harness::api::read(if operation.method.has_body() { request.json(&json!({})) } else { request }).await
}

async fn key(api: &Api, permissions: &[Permission]) -> Api {
    let words: Vec<_> = permissions.iter().map(|permission| permission.as_str()).collect();
    let made = api.post("/v1/api-keys", &json!({"name": "cell", "permissions": words})).await;
    api.with_key(made.ok(201)["apiKey"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_asks_for_its_own_permission_and_for_no_other() {
    let world = World::start(Backend::Sqlite).await;
    let mut cells = 0;
    for permission in Permission::ALL {
        let only = key(&world.api(), &[*permission]).await;
        let others: Vec<_> = Permission::ALL.iter().copied().filter(|other| other != permission).collect();
        let without = key(&world.api(), &others).await;
        for operation in ops::ALL {
            let Access::Key(needed) = operation.access else { continue };
            let (with, lacking) = if needed == *permission { (&only, &without) } else { (&without, &only) };
            call(lacking, operation).await.refused(ErrorCode::InsufficientPermissions);
            let allowed = call(with, operation).await;
            assert_ne!(allowed.status, 403, "{} with {}: {allowed:?}", operation.id, needed.as_str());
            cells += 1;
        }
    }
    assert!(cells >= 10 * Permission::ALL.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_operators_key_works_on_accounts_and_plans() {
    let world = World::start(Backend::Sqlite).await;
    let mut seen = 0;
    for operation in ops::ALL.iter().filter(|operation| operation.access == Access::Operator) {
        call(&world.api(), operation).await.refused(ErrorCode::InsufficientPermissions);
        let allowed = call(&world.operator(), operation).await;
        assert_ne!(allowed.status, 403, "{}", operation.id);
        seen += 1;
    }
    assert!(seen >= 7);
}

both_backends! {
    async fn an_operator_makes_plans_and_accounts_and_a_changed_plan_bites_at_once(backend) {
        let world = World::start(backend).await;
        let operator = world.operator();
        let limits = json!({"messagesPerDay": null, "callsPerMinute": 500, "sessions": 1, "concurrentRequests": 20});
        let (api, account) = world.tenant("custom", &limits).await;
        let shown = api.get("/v1/account").await.ok(200).clone();
        assert_eq!((&shown["accountId"], &shown["name"]), (&json!(account), &json!("custom tenant")));
        let plan = json!({"messagesPerDay": null, "callsPerMinute": 500, "sessions": 1, "concurrentRequests": 20});
        assert_eq!(shown["plan"], "custom");
        assert_includes(&shown["limits"], &plan);
        assert_eq!(operator.get(&format!("/v1/admin/accounts/{account}")).await.ok(200), &shown);

        api.post("/v1/sessions", &json!({"name": "one"})).await.ok(201);
        api.post("/v1/sessions", &json!({"name": "two"})).await.refused(ErrorCode::SessionLimitReached);
        let moved = operator.patch(&format!("/v1/admin/accounts/{account}"), &json!({"plan": "pro", "name": "grown"})).await;
        assert_eq!((&moved.ok(200)["plan"], &moved.data()["name"]), (&json!("pro"), &json!("grown")));
        let more = api.post("/v1/sessions", &json!({"name": "two"})).await;
        more.ok(201);
        assert_eq!(more.header("x-ratelimit-limit"), "10000");

        let names: Vec<Value> = operator.get("/v1/admin/plans").await.ok(200).as_array().unwrap().iter().map(|plan| plan["name"].clone()).collect();
        assert_eq!(names, ["free", "custom", "basic", "pro", "enterprise"]);
        for number in 0..3 {
            operator.post("/v1/admin/accounts", &json!({"name": format!("n{number}"), "plan": "basic"})).await.ok(201);
        }
        let (mut seen, mut path) = (Vec::new(), "/v1/admin/accounts?limit=2".to_owned());
        loop {
            let page = operator.get(&path).await;
            seen.extend(page.ok(200).as_array().unwrap().iter().map(|account| account["name"].as_str().unwrap().to_owned()));
            let Some(next) = page.json["page"]["next"].as_str() else { break };
            path = format!("/v1/admin/accounts?limit=2&cursor={next}");
        }
        assert_eq!(seen, ["demo", "grown", "n0", "n1", "n2"]);

        let unknown = operator.post("/v1/admin/accounts", &json!({"name": "x", "plan": "gold"})).await;
        assert_eq!(unknown.refused(ErrorCode::InvalidRequest)["field"], "plan");
        operator.patch(&format!("/v1/admin/accounts/{account}"), &json!({"plan": "gold"})).await.refused(ErrorCode::InvalidRequest);
        operator.get("/v1/admin/accounts/acc_00000000000000000000000000000000").await.refused(ErrorCode::ResourceNotFound);
        operator.put("/v1/admin/plans/Bad%20Name", &limits).await.refused(ErrorCode::InvalidRequest);
        let zero = json!({"callsPerMinute": 0, "concurrentRequests": 1});
        assert_eq!(operator.put("/v1/admin/plans/zero", &zero).await.refused(ErrorCode::InvalidRequest)["field"], "callsPerMinute");
    }

    async fn a_rotated_key_works_beside_its_successor_until_the_overlap_is_over(backend) {
        let world = World::start(backend).await;
        let api = world.api();
        let made = api.post("/v1/api-keys", &json!({"name": "ci", "permissions": ["account:read"]})).await;
        let (id, old) = (made.ok(201)["keyId"].as_str().unwrap().to_owned(), api.with_key(made.data()["apiKey"].as_str().unwrap()));
        old.get("/v1/account").await.ok(200);

        let rotated = api.request("POST", &format!("/v1/api-keys/{id}/rotate"));
        let rotated = crate::harness::api::read(rotated).await;
        let next = rotated.ok(201).clone();
        assert_eq!((&next["name"], &next["permissions"]), (&json!("ci"), &json!(["account:read"])));
        assert_ne!(next["keyId"], id);
        api.with_key(next["apiKey"].as_str().unwrap()).get("/v1/account").await.ok(200);
        old.get("/v1/account").await.ok(200);
        let ends = api.get(&format!("/v1/api-keys/{id}")).await.ok(200)["expiresAt"].clone();
        assert!(ends.is_string(), "a day from now");

        api.post(&format!("/v1/api-keys/{id}/rotate"), &json!({"overlapSeconds": 0})).await.ok(201);
        old.get("/v1/account").await.refused(ErrorCode::ExpiredApiKey);
        api.post(&format!("/v1/api-keys/{id}/rotate"), &json!({})).await.refused(ErrorCode::Conflict);
        let long = api.post(&format!("/v1/api-keys/{id}/rotate"), &json!({"overlapSeconds": 604_801})).await;
        assert_eq!(long.refused(ErrorCode::InvalidRequest)["limit"], 604_800);
        api.post("/v1/api-keys/key_00000000/rotate", &json!({})).await.refused(ErrorCode::ResourceNotFound);

        // A key that may manage keys and nothing else does not get at another's secret.
        let strong = api.post("/v1/api-keys", &json!({"name": "strong", "permissions": ["messages:send"]})).await.ok(201)["keyId"].clone();
        let manager = key(&api, &[Permission::KeysManage]).await;
        let path = format!("/v1/api-keys/{}/rotate", strong.as_str().unwrap());
        manager.post(&path, &json!({})).await.refused(ErrorCode::InsufficientPermissions);
    }

    async fn usage_counts_messages_calls_and_errors_and_a_key_knows_when_it_was_used(backend) {
        let mut world = World::start(backend).await;
        let (api, account) = world.tenant("counted", &json!({"callsPerMinute": 10_000, "concurrentRequests": 100})).await;
        let created = api.post("/v1/sessions", &json!({"name": "s"})).await;
        let session = created.ok(201)["sessionId"].as_str().unwrap().to_owned();
        world.scan(created.data()["qr"].as_str().unwrap(), OWNER).await;
        eventually("connected", async || {
            let shown = api.get(&format!("/v1/sessions/{session}")).await;
            (shown.data()["status"] == "connected").then_some(()).ok_or(format!("{shown:?}"))
        })
        .await;
        for text in ["a", "b"] {
            api.post("/v1/messages/text", &json!({"sessionId": session, "to": SILENT, "text": text})).await.ok(201);
        }
        for _ in 0..3 {
            api.get("/v1/messages/msg_0").await.refused(ErrorCode::MessageNotFound);
        }
        let keys = api.get("/v1/api-keys").await.ok(200)[0]["keyId"].as_str().unwrap().to_owned();
        eventually("counted", async || {
            let usage = api.get("/v1/usage").await.ok(200).clone();
            let used = &usage["today"];
            let right = used["messages"] == 2 && used["errors"] == json!({"message_not_found": 3}) && used["calls"].as_u64() > Some(6);
            (right && usage["last30Days"]["messages"] == 2 && usage["days"][0]["date"] == used["date"]).then_some(()).ok_or(format!("{usage}"))
        })
        .await;
        eventually("the key's use is written", async || {
            let shown = api.get(&format!("/v1/api-keys/{keys}")).await;
            shown.data()["lastUsedAt"].is_string().then_some(()).ok_or(format!("{shown:?}"))
        })
        .await;
        // A stop writes down what was counted last, and the counts outlive it.
        let before = api.get("/v1/usage").await.ok(200)["today"]["calls"].as_u64().unwrap();
        world.stop_gateway().await;
        world.start_gateway(&[]).await;
        let moved = Api::new(&world.api().base, &api.key);
        assert_eq!(moved.get("/v1/account").await.ok(200)["accountId"], account);
        let after = moved.get("/v1/usage").await.ok(200)["today"]["calls"].as_u64().unwrap();
        assert!(after > before, "{after} after {before}");
    }
}
