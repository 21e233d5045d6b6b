//! A good body for every operation that takes one, as the document and the collection show it.

use serde_json::{Value, json};

use crate::ids::{AccountId, SessionId, Uuid};
use crate::limits;
use crate::ops::Operation;

/// The beginning and the end of a JPEG: as much as a check of the bytes asks for.
const JPEG: &str = "/9j/4AAQSkZJRgABAQAAAQABAAD/2Q==";

/// A body that the operation takes as it stands, once there is what its ids name; `None` where it takes no JSON. Where a run in the
/// sandbox asks something, it is that.
pub(in crate::openapi) fn of(op: &Operation) -> Option<Value> {
    let session = SessionId::from_uuid(Uuid::from_u128(7));
    if let Some(asked) = super::recorded(op, "request") {
        return Some(asked.clone());
    }
    Some(match op.id {
        "update_session" => json!({ "name": "the shop's phone" }),
        "submit_session_passkey" => passkey(),
        "confirm_session_passkey" => json!({ "code": "ABCD-1234" }),
        "set_presence" => json!({ "sessionId": session, "status": "available" }),
        "create_event_token" => json!({ "sessionId": session, "expiresInSeconds": limits::EVENT_TOKEN_SECS }),
        "recover_webhook" => json!({ "since": "2026-01-01T00:00:00Z" }),
        "block_contact" | "unblock_contact" | "revoke_group_invite" | "leave_group" => json!({ "sessionId": session }),
        "update_group" => json!({ "sessionId": session, "subject": "The crew" }),
        "change_group_participants" | "decide_group_requests" => json!({ "sessionId": session, "participants": ["15550001002"] }),
        "set_group_picture" => json!({ "sessionId": session, "data": JPEG }),
        "join_group" => json!({ "sessionId": session, "code": "AbCdEfGhIjKlMnOpQrStUv" }),
        "admin_create_api_key" => json!({ "name": "first", "permissions": ["sessions:read", "sessions:write", "messages:send"] }),
        "admin_create_account" => json!({ "name": "shop", "plan": "free" }),
        "admin_update_account" => json!({ "plan": "pro" }),
        "admin_set_plan" => json!({ "messagesPerDay": 1000, "callsPerMinute": 120, "sessions": 2, "concurrentRequests": 10 }),
        "create_login" => json!({ "name": "ada", "password": "a long and quiet password" }),
        "set_password" => json!({ "password": "a long and quiet password", "newPassword": "a longer and quieter password" }),
        "create_user" => json!({ "name": "ada", "password": "a long and quiet password", "role": "member" }),
        "admin_create_user" => {
            let account = AccountId::from_uuid(Uuid::from_u128(7));
            json!({ "accountId": account, "name": "ada", "password": "a long and quiet password", "role": "owner" })
        }
        "update_user" | "admin_update_user" => json!({ "role": "read_only" }),
        "admin_move_session" => json!({ "nodeId": "node_00000000000000000000000000000007" }),
        "admin_set_switches" => json!({ "sendingPaused": false }),
        _ => return None,
    })
}

/// What a browser gives for a passkey, in its shape: a signature that holds cannot be shown.
fn passkey() -> Value {
    let response = json!({
        "clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoiWkdGeVpRIn0",
        "authenticatorData": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAAAAAA",
        "signature": "AQ",
    });
    json!({ "id": "AQ", "rawId": "AQ", "type": "public-key", "response": response })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openapi::schemas::{self, tests::fits};
    use crate::ops;

    #[test]
    fn every_operation_that_takes_json_has_an_example_of_the_right_shape_and_no_other_has_one() {
        for op in ops::ALL {
            let request = op.request;
            let (Some(name), Some(example)) = (request, of(op)) else {
                assert_eq!(request.is_some(), of(op).is_some(), "say in openapi/example/request.rs how a good body of {} looks", op.id);
                continue;
            };
            let (_, schema) = schemas::ALL.iter().find(|(known, _)| *known == name).unwrap();
            fits(&schema(), &example).unwrap();
            let known = &schema()["properties"];
            assert!(example.as_object().unwrap().keys().all(|member| known[member].is_object()), "{}: {example}", op.id);
        }
    }
}
