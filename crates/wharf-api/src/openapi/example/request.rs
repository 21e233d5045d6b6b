//! A good body for every operation that takes one, as the document and the collection show it.

use serde_json::{Value, json};

use crate::ids::{MediaId, MessageId, SessionId, Uuid};
use crate::ops::Operation;

/// One of the pretend network's people, who answers.
const PERSON: &str = "15550001001";
/// The beginning and the end of a JPEG: as much as a check of the bytes asks for.
const JPEG: &str = "/9j/4AAQSkZJRgABAQAAAQABAAD/2Q==";

/// A body that the operation takes as it stands, once there is what its ids name; `None` where it takes no JSON.
pub(in crate::openapi) fn of(op: &Operation) -> Option<Value> {
    let session = SessionId::from_uuid(Uuid::from_u128(7));
    let message = MessageId::from_uuid(Uuid::from_u128(7));
    let media = MediaId::from_uuid(Uuid::from_u128(7));
    Some(match op.id {
        "create_session" | "quick_create_session" => json!({ "name": "my phone" }),
        "update_session" => json!({ "name": "the shop's phone" }),
        "create_pairing_code" => json!({ "phoneNumber": "15550000001" }),
        "submit_session_passkey" => passkey(),
        "confirm_session_passkey" => json!({ "code": "ABCD-1234" }),
        "set_presence" => json!({ "sessionId": session, "status": "available" }),
        "send_text" => json!({ "sessionId": session, "to": PERSON, "text": "Hello" }),
        "quick_send_text" => json!({ "to": PERSON, "message": "Hello" }),
        "send_media" => json!({ "sessionId": session, "to": PERSON, "mediaType": "document", "mediaId": media, "caption": "Yours" }),
        "send_location" => {
            json!({ "sessionId": session, "to": PERSON, "latitude": 52.5163, "longitude": 13.3777, "name": "Brandenburg Gate" })
        }
        "send_contact" => {
            json!({ "sessionId": session, "to": PERSON, "contacts": [{ "name": "Ada Lovelace", "phoneNumbers": ["+1 555 000 1002"] }] })
        }
        "send_poll" => json!({ "sessionId": session, "to": PERSON, "question": "When?", "options": ["today", "tomorrow"] }),
        "send_reaction" => json!({ "messageId": message, "emoji": "👍" }),
        "forward_message" => json!({ "to": PERSON }),
        "edit_message" => json!({ "text": "Hello again" }),
        "create_webhook" => json!({ "url": "https://example.com/whatsapp", "events": ["message.received", "message.failed"] }),
        "update_webhook" => json!({ "description": "the till's" }),
        "rotate_webhook_secret" | "rotate_api_key" => json!({ "overlapSeconds": 3600 }),
        "recover_webhook" => json!({ "since": "2026-01-01T00:00:00Z" }),
        "check_contacts" => json!({ "sessionId": session, "phoneNumbers": ["+1 555 000 1001", "+1 555 000 9999"] }),
        "block_contact" | "unblock_contact" | "read_chat" | "revoke_group_invite" | "leave_group" => json!({ "sessionId": session }),
        "set_typing" => json!({ "sessionId": session, "status": "typing" }),
        "create_group" => json!({ "sessionId": session, "subject": "Crew", "participants": [PERSON] }),
        "update_group" => json!({ "sessionId": session, "subject": "The crew" }),
        "change_group_participants" | "decide_group_requests" => json!({ "sessionId": session, "participants": ["15550001002"] }),
        "set_group_picture" => json!({ "sessionId": session, "data": JPEG }),
        "join_group" => json!({ "sessionId": session, "code": "AbCdEfGhIjKlMnOpQrStUv" }),
        "create_api_key" => json!({ "name": "till", "permissions": ["messages:read", "messages:send"] }),
        "admin_create_api_key" => json!({ "name": "first", "permissions": ["sessions:read", "sessions:write", "messages:send"] }),
        "admin_create_account" => json!({ "name": "shop", "plan": "free" }),
        "admin_update_account" => json!({ "plan": "pro" }),
        "admin_set_plan" => json!({ "messagesPerDay": 1000, "callsPerMinute": 120, "sessions": 2, "concurrentRequests": 10 }),
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
    use crate::openapi::shape;
    use crate::ops;

    #[test]
    fn every_operation_that_takes_json_has_an_example_of_the_right_shape_and_no_other_has_one() {
        for op in ops::ALL {
            let request = shape::of(op).and_then(|shape| shape.request);
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
