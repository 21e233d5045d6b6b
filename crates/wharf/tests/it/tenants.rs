//! Another tenant's id is an id that does not exist: for every operation, and for every place in it where an id stands.

use serde_json::Value;
use wharf_api::ops;
use wharf_api::types::passkey::PasskeyStep;

use crate::harness::requests::{self, Objects, Place};
use crate::harness::{Gateway, Reply, engine};

/// The whole answer but what differs between any two answers.
fn bytes(reply: &Reply) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let ours = |name: &str| !matches!(name, "x-request-id" | "date" | "x-ratelimit-remaining" | "x-ratelimit-reset");
    (reply.status, reply.headers.iter().filter(|(name, _)| ours(name)).cloned().collect(), reply.body.clone())
}

/// All that an account can see of itself, but when its keys were used.
async fn snapshot(gateway: &Gateway, own: &Objects) -> Vec<String> {
    let mut seen = Vec::new();
    for operation in ops::ALL.iter().filter(|op| op.method == ops::Method::Get && matches!(op.access, ops::Access::Key(_))) {
        // What was called changes with the question itself.
        if operation.id == ops::get_usage.id {
            continue;
        }
        let mut reply = requests::good(gateway, operation, own, "", &[]).send().await;
        forget(&mut reply.json, "lastUsedAt");
        seen.push(format!("{} {} {}", operation.id, reply.status, reply.json));
    }
    seen
}

fn forget(value: &mut Value, name: &str) {
    match value {
        Value::Object(members) => {
            members.remove(name);
            members.values_mut().for_each(|value| forget(value, name));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| forget(value, name)),
        _ => {}
    }
}

#[tokio::test]
async fn an_id_of_another_tenant_answers_as_one_that_does_not_exist_and_changes_nothing() {
    let gateway = Gateway::start().await;
    let (ours, theirs) = (Objects::of(&gateway, "ours").await, Objects::of(&gateway, "theirs").await);
    let operator = gateway.make_operator_key().await;
    let before = snapshot(&gateway, &theirs).await;
    assert!(before.iter().any(|line| line.contains(&theirs.message)) && before.iter().any(|line| line.contains(&theirs.key)));
    let mut cells = Vec::new();
    for operation in ops::ALL {
        for id in requests::places(operation) {
            let cell = format!("{} {:?}", operation.id, id.place);
            let composed = gateway.engine.composed();
            let ask = |value: &str| requests::good(&gateway, operation, &ours, &operator, &[(&id.place, value)]).send();
            let foreign = ask(theirs.id(&id.kind)).await;
            let missing = ask(&requests::missing(&id.kind)).await;
            assert!(requests::not_there(&id.place, &missing), "{cell}: {}", missing.shown());
            assert_eq!(bytes(&foreign), bytes(&missing), "{cell}: {} against {}", foreign.shown(), missing.shown());
            assert_eq!(gateway.engine.composed(), composed, "{cell} composed a message");
            assert_eq!(snapshot(&gateway, &theirs).await, before, "{cell} changed something of the other tenant");
            cells.push(cell);
        }
    }
    assert!(cells.len() >= 16, "{cells:#?}");
}

#[tokio::test]
async fn the_matrix_s_requests_are_good_ones_where_the_id_is_the_caller_s_own() {
    let gateway = Gateway::start().await;
    let operator = gateway.make_operator_key().await;
    for operation in ops::ALL.iter().filter(|operation| operation.access.takes_keys()) {
        // Each with things of its own, because some operations end them.
        let mut own = Objects::of(&gateway, operation.id).await;
        if operation.id == ops::admin_create_api_key.id {
            // Its session has to be of the account that the path names.
            own.session = gateway.connected().await.to_string();
        }
        let passkey = match operation.id {
            "get_session_passkey" | "submit_session_passkey" => Some(PasskeyStep::Assertion),
            "confirm_session_passkey" => Some(PasskeyStep::Confirmation),
            _ => None,
        };
        if let Some(step) = passkey {
            gateway.engine.ask_passkey(&wharf_api::ids::SessionId::parse(&own.unlinked).unwrap(), step);
        }
        let waits = passkey.is_some() || ["get_session_qr", "create_pairing_code"].contains(&operation.id);
        let place = Place::Path("sessionId".to_owned());
        let ids: &[(&Place, &str)] = if waits { &[(&place, &own.unlinked)] } else { &[] };
        let reply = requests::good(&gateway, operation, &own, &operator, ids).send().await;
        // The pretend engine knows no groups and no people beyond their numbers.
        let beyond = ["/v1/groups", "/v1/contacts", "/v1/chats", "/v1/presence"].iter().any(|path| operation.path.starts_with(path));
        if beyond && reply.json["error"]["code"] == wharf_api::ErrorCode::SessionNotConnected.name() {
            continue;
        }
        // The pretend engine's acknowledgements are not written down: its messages are never sent.
        let unsent = ["send_reaction", "edit_message", "delete_message", "forward_message"].contains(&operation.id);
        if unsent && reply.json["error"]["code"] == wharf_api::ErrorCode::Conflict.name() {
            continue;
        }
        // No node runs the pretend engine's sessions.
        if operation.id == ops::admin_move_session.id && reply.json["error"]["code"] == wharf_api::ErrorCode::Conflict.name() {
            continue;
        }
        // The message is the account's own, and nobody marks that as read.
        if operation.id == "read_message" && reply.json["error"]["code"] == wharf_api::ErrorCode::UnsupportedOperation.name() {
            continue;
        }
        assert_eq!(reply.status, operation.success, "{}: {}", operation.id, reply.shown());
    }
}

#[tokio::test]
async fn a_session_that_the_key_is_not_bound_to_answers_as_one_that_does_not_exist() {
    let gateway = Gateway::start().await;
    let own = Objects::of(&gateway, "own").await;
    let operator = gateway.make_operator_key().await;
    let account = wharf_core::account::find_or_create(&gateway.services, "own", "enterprise").await.unwrap();
    let only = wharf_api::ids::SessionId::parse(&own.unlinked).unwrap();
    let bound = gateway.make_key_of(account, wharf_api::Permission::ALL, None, Some(vec![only])).await;
    for operation in ops::ALL.iter().filter(|operation| operation.access != ops::Access::Operator) {
        for id in requests::places(operation).into_iter().filter(|id| ["ses", "msg"].contains(&id.kind.as_str())) {
            let ask = |value: &str| requests::good(&gateway, operation, &own, &operator, &[(&id.place, value)]).key(&bound).send();
            let (unbound, missing) = (ask(own.id(&id.kind)).await, ask(&requests::missing(&id.kind)).await);
            assert_eq!(
                bytes(&unbound),
                bytes(&missing),
                "{} {:?}: {} against {}",
                operation.id,
                id.place,
                unbound.shown(),
                missing.shown()
            );
        }
    }
    let list = gateway.get("/v1/messages").key(&bound).send().await;
    assert_eq!(list.ok(200).as_array().unwrap().len(), 0, "the message to {} belongs to the other session", engine::SILENT);
}
