//! The audit log: every change leaves one row, every refused change too, and nobody reads another tenant's.

use serde_json::{Value, json};
use wharf::http::Limits;
use wharf::http::origin::Proxies;
use wharf_api::ops::{self, Access, Method, Operation};
use wharf_api::types::audit::Actor;
use wharf_api::{ErrorCode, Permission};
use wharf_core::key::{self, NewKey};
use wharf_core::store::{AuditFilter, AuditRow, AuditStore, PageRequest};
use wharf_core::{account, audit};

use crate::harness::{Gateway, Reply};

async fn operator(gateway: &Gateway) -> String {
    let new = NewKey {
        account: gateway.account.clone(),
        name: "operator".into(),
        permissions: Permission::ALL.to_vec(),
        expires_at: None,
        sessions: None,
        operator: true,
    };
    key::create(&gateway.services, new).await.unwrap().1.reveal().to_owned()
}

/// Everything in the log, newest first.
async fn rows(gateway: &Gateway) -> Vec<AuditRow> {
    gateway.store.list_audit(&AuditFilter::default(), PageRequest { after: None, limit: 1_000 }).await.unwrap().rows
}

async fn call(gateway: &Gateway, operation: &Operation, key: &str) -> Reply {
    let ask = gateway.ask(operation.method.as_str(), &operation.path.replace(['{', '}'], "")).key(key);
    if operation.method.has_body() { ask.json(&json!({"unknown": "a canary"})).send().await } else { ask.send().await }
}

#[tokio::test]
async fn every_operation_that_changes_something_leaves_one_row_also_when_it_is_refused_and_no_other_leaves_any() {
    let gateway = Gateway::start().await;
    let operator = operator(&gateway).await;
    let mut audited = 0;
    for operation in ops::ALL.iter().filter(|operation| operation.method != Method::Get) {
        let before = rows(&gateway).await.len();
        let reply = call(&gateway, operation, &operator).await;
        let rows = rows(&gateway).await;
        if !operation.audited() {
            assert_eq!(rows.len(), before, "{}", operation.id);
            continue;
        }
        audited += 1;
        assert_eq!(rows.len(), before + 1, "{}: {}", operation.id, reply.shown());
        let (row, code) = (&rows[0], reply.json["error"]["code"].as_str().and_then(ErrorCode::parse));
        assert_eq!((row.action.as_str(), row.code), (operation.id, code), "{}", reply.shown());
        let actor = if operation.access == Access::Operator { Actor::Operator } else { Actor::Key };
        assert_eq!((row.actor, row.times, row.address.as_deref()), (actor, 1, Some("127.0.0.1")), "{row:?}");
        assert!(row.key.is_some() && row.account.as_ref() == Some(&gateway.account), "{row:?}");
        assert!(!format!("{row:?}").contains("canary"), "{row:?}");
    }
    assert!(audited >= 12, "{audited}");
}

#[tokio::test]
async fn the_address_is_what_a_trusted_proxy_says_and_nobody_else() {
    for (proxies, address) in [(vec![], "127.0.0.1"), (vec!["10.0.0.0/8"], "127.0.0.1"), (vec!["127.0.0.1", "10.0.0.0/8"], "198.51.100.4")]
    {
        let gateway = Gateway::start_with(Limits { trusted_proxies: Proxies::parse(proxies).unwrap(), ..Limits::default() }).await;
        let asked = gateway.delete("/v1/api-keys/key_00000000").header("X-Forwarded-For", "6.6.6.6, 198.51.100.4, 10.1.2.3").send().await;
        assert_eq!(asked.status, 404, "{}", asked.shown());
        assert_eq!(rows(&gateway).await[0].address.as_deref(), Some(address));
    }
}

#[tokio::test]
async fn wrong_keys_through_one_proxy_are_counted_for_each_of_its_callers() {
    let proxies = Proxies::parse(["127.0.0.1"]).unwrap();
    let gateway = Gateway::start_with(Limits { failed_keys_per_minute: 2, trusted_proxies: proxies, ..Limits::default() }).await;
    let wrong = async |from: &str| gateway.ask("GET", "/v1/account").key("wrong").header("X-Forwarded-For", from).send().await;
    for _ in 0..2 {
        wrong("198.51.100.4").await.refused(ErrorCode::InvalidApiKey);
    }
    assert_eq!(wrong("198.51.100.4").await.status, 429);
    wrong("198.51.100.5").await.refused(ErrorCode::InvalidApiKey);
    // A caller that writes an address of its own in front stays who it is.
    assert_eq!(wrong("198.51.100.6, 198.51.100.4").await.status, 429);
}

#[tokio::test]
async fn a_key_that_lacks_the_permission_leaves_a_row_of_its_refusal() {
    let gateway = Gateway::start().await;
    let weak = gateway.make_key(&[Permission::MessagesRead], None).await;
    for operation in ops::ALL.iter().filter(|operation| operation.audited()) {
        call(&gateway, operation, &weak).await.refused(ErrorCode::InsufficientPermissions);
        let row = &rows(&gateway).await[0];
        assert_eq!((row.action.as_str(), row.code), (operation.id, Some(ErrorCode::InsufficientPermissions)));
        // Who only tries to be an operator is none.
        assert_eq!(row.actor, Actor::Key, "{row:?}");
    }
}

#[tokio::test]
async fn what_was_changed_and_made_is_named() {
    let gateway = Gateway::start().await;
    let session = gateway.session().await;
    let path = format!("/v1/sessions/{session}");
    gateway.post(&format!("{path}/restart"), json!({})).send().await.ok(200);
    gateway.delete(&path).send().await.ok(200);
    let made = gateway.post("/v1/api-keys", json!({"name": "k", "permissions": ["account:read"]})).send().await;
    let key = made.ok(201)["keyId"].as_str().unwrap().to_owned();
    let rotated = gateway.post(&format!("/v1/api-keys/{key}/rotate"), json!({})).send().await;
    let next = rotated.ok(201)["keyId"].as_str().unwrap().to_owned();
    gateway.delete(&format!("/v1/api-keys/{next}")).send().await.ok(200);

    let list = gateway.get("/v1/audit").send().await;
    let entries = list.ok(200).as_array().unwrap();
    let seen: Vec<_> = entries.iter().rev().map(|entry| (&entry["action"], &entry["target"], &entry["created"], &entry["code"])).collect();
    let none = Value::Null;
    let (session, key, next) = (json!(session), json!(key), json!(next));
    let words = ["create_session", "restart_session", "delete_session", "create_api_key", "rotate_api_key", "revoke_api_key"]
        .map(|word| json!(word));
    let expected = [
        (&words[0], &none, &session, &none),
        (&words[1], &session, &none, &none),
        (&words[2], &session, &none, &none),
        (&words[3], &none, &key, &none),
        (&words[4], &key, &next, &none),
        (&words[5], &next, &none, &none),
    ];
    assert_eq!(seen, expected);
    assert!(entries.iter().all(|entry| entry["actor"] == "key" && entry["address"] == "127.0.0.1" && entry["times"] == 1), "{entries:?}");
    assert!(!list.shown().contains("wharf_live_"), "{}", list.shown());

    let of_key = gateway.get(&format!("/v1/audit?action=rotate_api_key&target={}", key.as_str().unwrap())).send().await;
    assert_eq!(of_key.ok(200).as_array().unwrap().len(), 1);
    let first = gateway.get("/v1/audit?limit=4").send().await;
    let cursor = first.json["page"]["next"].as_str().unwrap();
    let rest = gateway.get(&format!("/v1/audit?limit=4&cursor={cursor}")).send().await;
    assert_eq!((first.ok(200).as_array().unwrap().len(), rest.ok(200).as_array().unwrap().len()), (4, 2));
    assert_eq!(gateway.get("/v1/audit?keyId=nonsense").send().await.refused(ErrorCode::InvalidRequest)["field"], "keyId");
    assert_eq!(gateway.get("/v1/audit?accountId=x").send().await.refused(ErrorCode::InvalidRequest)["field"], "accountId");
}

#[tokio::test]
async fn an_account_sees_its_own_rows_and_of_an_operator_only_that_it_was_one() {
    let gateway = Gateway::start().await;
    let operator = operator(&gateway).await;
    gateway.session().await;
    let made = gateway.ask("POST", "/v1/admin/accounts").key(&operator).json(&json!({"name": "other", "plan": "basic"})).send().await;
    let other = made.ok(201)["accountId"].as_str().unwrap().to_owned();
    let keys = format!("/v1/admin/accounts/{other}/api-keys");
    let made = gateway.ask("POST", &keys).key(&operator).json(&json!({"name": "k", "permissions": ["account:read"]})).send().await;
    let key = made.ok(201)["apiKey"].as_str().unwrap().to_owned();

    let seen = gateway.ask("GET", "/v1/audit").key(&key).send().await;
    let entries = seen.ok(200).as_array().unwrap();
    let actions: Vec<_> = entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["admin_create_api_key", "admin_create_account"]);
    for entry in entries {
        assert_eq!((&entry["actor"], &entry["accountId"]), (&json!("operator"), &json!(other)));
        assert!(entry["keyId"].is_null() && entry["address"].is_null(), "{entry}");
    }
    let own = gateway.get("/v1/audit").send().await;
    assert_eq!(own.ok(200).as_array().unwrap().len(), 1, "{}", own.shown());

    gateway.ask("GET", "/v1/admin/audit").key(&key).send().await.refused(ErrorCode::InsufficientPermissions);
    let all = gateway.ask("GET", "/v1/admin/audit").key(&operator).send().await;
    assert_eq!(all.ok(200).as_array().unwrap().len(), 3);
    assert!(all.json["data"][0]["keyId"].is_string() && all.json["data"][0]["address"] == "127.0.0.1", "{}", all.shown());
    let one = gateway.ask("GET", &format!("/v1/admin/audit?accountId={other}")).key(&operator).send().await;
    assert_eq!(one.ok(200).as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_key_that_is_bound_to_sessions_sees_what_it_did_itself() {
    let gateway = Gateway::start().await;
    let session = gateway.session().await;
    gateway.session().await;
    let bound = [Permission::SessionsWrite, Permission::AccountRead];
    let bound = gateway.make_key_of(gateway.account.clone(), &bound, None, Some(vec![session.clone()])).await;
    gateway.ask("POST", &format!("/v1/sessions/{session}/restart")).key(&bound).send().await.ok(200);
    let seen = gateway.ask("GET", "/v1/audit").key(&bound).send().await;
    let entries = seen.ok(200).as_array().unwrap();
    assert_eq!((entries.len(), &entries[0]["action"]), (1, &json!("restart_session")), "{}", seen.shown());
    let foreign =
        gateway.get("/v1/audit").send().await.ok(200).as_array().unwrap().iter().map(|entry| entry["keyId"].clone()).next_back().unwrap();
    let other = gateway.ask("GET", &format!("/v1/audit?keyId={}", foreign.as_str().unwrap())).key(&bound).send().await;
    assert_eq!(other.ok(200), &json!([]));
}

#[tokio::test]
async fn refused_keys_are_counted_together_and_only_an_operator_sees_them() {
    let gateway = Gateway::start().await;
    let operator = operator(&gateway).await;
    for _ in 0..40 {
        gateway.ask("GET", "/v1/account").key("nonsense").send().await.refused(ErrorCode::InvalidApiKey);
    }
    gateway.ask("GET", "/v1/account").send().await.refused(ErrorCode::MissingApiKey);
    assert_eq!(rows(&gateway).await.len(), 0, "no write for a bad key");
    audit::flush(&gateway.services).await.unwrap();
    audit::flush(&gateway.services).await.unwrap();
    let list = gateway.ask("GET", "/v1/admin/audit?action=authenticate").key(&operator).send().await;
    let entries = list.ok(200).as_array().unwrap();
    let times = |code: &str| entries.iter().find(|entry| entry["code"] == code).map(|entry| entry["times"].clone());
    assert_eq!((entries.len(), times("invalid_api_key"), times("missing_api_key")), (2, Some(json!(40)), Some(json!(1))));
    assert!(entries.iter().all(|entry| entry["actor"] == "nobody" && entry["address"] == "127.0.0.1"), "{entries:?}");
    assert_eq!(gateway.get("/v1/audit").send().await.ok(200), &json!([]));
}

#[tokio::test]
async fn a_row_that_the_database_did_not_take_is_offered_again() {
    let gateway = Gateway::start().await;
    let row = audit::by_cli(&gateway.services, Some(gateway.account.clone()), "create_session");
    // A second gateway's database stands for ours while it is away: its store is closed.
    let other = Gateway::start().await;
    other.store.close().await;
    audit::record(&other.services, row.clone()).await;
    assert!(audit::flush(&other.services).await.is_err(), "still away, and the row is still there");
    assert!(audit::flush(&other.services).await.is_err(), "it is not forgotten by trying");
    audit::record(&gateway.services, row).await;
    audit::flush(&gateway.services).await.unwrap();
    assert_eq!(rows(&gateway).await.len(), 1, "what was written is not written again");
}

#[tokio::test]
async fn rows_live_for_their_days_and_not_longer() {
    let gateway = Gateway::start().await;
    let mut row = audit::by_cli(&gateway.services, None, "admin_set_plan");
    for days in [366, 364] {
        row.at = gateway.services.clock.now().plus_millis(-days * 24 * 60 * 60 * 1000);
        audit::record(&gateway.services, row.clone()).await;
    }
    audit::expire(&gateway.services).await.unwrap();
    let left = rows(&gateway).await;
    assert_eq!((left.len(), left[0].at), (1, row.at));
    // The account is there; it just did nothing.
    account::find(&gateway.services, &gateway.account).await.unwrap();
}
