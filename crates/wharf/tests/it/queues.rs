//! What waits, over all tenants: in pages that go on from the sessions to the webhooks.

use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::harness::Gateway;
use crate::harness::requests::Objects;

const QUEUES: &str = "/v1/admin/queues";

/// Whose queues these are.
fn owners(queues: &[Value]) -> Vec<String> {
    let owner = |queue: &Value| if queue["type"] == "messages" { queue["sessionId"].clone() } else { queue["webhookId"].clone() };
    queues.iter().map(|queue| owner(queue).as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn queues_are_listed_sessions_first_and_each_once_however_long_a_page_is() {
    let gateway = Gateway::start().await;
    let (one, other) = (Objects::of(&gateway, "one").await, Objects::of(&gateway, "other").await);
    let operator = gateway.make_operator_key().await;
    let whole = gateway.get(QUEUES).key(&operator).send().await.ok(200).as_array().unwrap().clone();
    let kinds: Vec<&Value> = whole.iter().map(|queue| &queue["type"]).collect();
    assert_eq!(kinds, ["messages", "messages", "deliveries", "deliveries"], "{whole:?}");
    let mut all = owners(&whole);
    for limit in 1..=5 {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        while found.len() <= all.len() {
            let page = gateway.get(&format!("{QUEUES}?limit={limit}{cursor}")).key(&operator).send().await;
            let rows = page.ok(200).as_array().unwrap();
            assert!(rows.len() <= limit, "{}", page.shown());
            found.extend(owners(rows));
            let Some(next) = page.json["page"]["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(found, all, "in pages of {limit}");
    }
    all.sort();
    let mut expected = [one.session, other.session, one.webhook, other.webhook];
    expected.sort();
    assert_eq!(all, expected);
}

#[tokio::test]
async fn a_queue_says_how_much_waits_and_for_whom_and_only_an_operator_sees_it() {
    let gateway = Gateway::start().await;
    let one = Objects::of(&gateway, "one").await;
    gateway.get(QUEUES).send().await.refused(ErrorCode::InsufficientPermissions);
    let operator = gateway.make_operator_key().await;
    let queues = gateway.get(QUEUES).key(&operator).send().await.ok(200).clone();
    let account = gateway.get("/v1/account").key(&one.api_key).send().await.ok(200)["accountId"].clone();
    let messages = &queues[0];
    assert_eq!((&messages["accountId"], &messages["waiting"], &messages["held"]), (&account, &json!(1), &json!([])), "{messages}");
    assert_eq!((&messages["sessionStatus"], messages.get("webhookId")), (&json!("connected"), None), "{messages}");
    let deliveries = &queues[1];
    assert_eq!((&deliveries["accountId"], &deliveries["webhookId"]), (&account, &json!(one.webhook)), "{deliveries}");
    assert_eq!((&deliveries["deliveryStatus"], &deliveries["due"]), (&json!("due"), &deliveries["waiting"]), "{deliveries}");
    assert!(deliveries["waiting"].as_u64().is_some_and(|waiting| waiting > 0) && deliveries["oldestAt"].is_string(), "{deliveries}");
}
