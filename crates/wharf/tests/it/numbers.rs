//! Every field and path that takes a number reads it by the same rule.

use serde_json::{Value, json};
use wharf_api::ErrorCode::{InvalidPhoneNumber, InvalidRequest};

use crate::harness::Gateway;
use crate::harness::engine::SILENT;

const MISREAD: &str = "1555000200.0";
const REASON: &str = "it ends in .0: is this a number out of a spreadsheet?";

#[tokio::test]
async fn a_number_out_of_a_spreadsheet_is_told_so_wherever_it_stands() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let sent = gateway.post("/v1/messages/text", json!({"sessionId": session, "to": SILENT, "text": "x"})).send().await;
    let message = sent.ok(201)["messageId"].as_str().unwrap().to_owned();
    let to = |more: Value| {
        let mut body = json!({"sessionId": session, "to": MISREAD});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let picture = json!({"mediaType": "document", "data": "aGVsbG8="});
    for (path, body, field) in [
        ("/v1/messages/text".to_owned(), to(json!({"text": "x"})), "to"),
        ("/v1/messages/location".to_owned(), to(json!({"latitude": 1.5, "longitude": 2.5})), "to"),
        ("/v1/messages/contact".to_owned(), to(json!({"contacts": [{"name": "x", "phoneNumbers": [SILENT]}]})), "to"),
        (
            "/v1/messages/contact".to_owned(),
            to(json!({"to": SILENT, "contacts": [{"name": "x", "phoneNumbers": [MISREAD]}]})),
            "contacts[0].phoneNumbers[0]",
        ),
        ("/v1/messages/poll".to_owned(), to(json!({"question": "x", "options": ["a", "b"]})), "to"),
        ("/v1/messages/media".to_owned(), to(picture.clone()), "to"),
        ("/v1/messages/text".to_owned(), to(json!({"to": SILENT, "text": "x", "mentions": [SILENT, MISREAD]})), "mentions[1]"),
        ("/v1/messages/text".to_owned(), to(json!({"to": "status", "text": "x", "audience": [MISREAD]})), "audience[0]"),
        (format!("/v1/messages/{message}/forward"), json!({"to": MISREAD}), "to"),
        ("/v1/contacts/check".to_owned(), json!({"sessionId": session, "phoneNumbers": [SILENT, MISREAD]}), "phoneNumbers[1]"),
        (format!("/v1/contacts/{MISREAD}/block"), json!({"sessionId": session}), "contactId"),
        (format!("/v1/chats/{MISREAD}/read"), json!({"sessionId": session}), "chatId"),
        (format!("/v1/chats/{MISREAD}/typing"), json!({"sessionId": session, "status": "typing"}), "chatId"),
        ("/v1/groups".to_owned(), json!({"sessionId": session, "subject": "x", "participants": [MISREAD]}), "participants[0]"),
        (format!("/v1/sessions/{}/pairing-code", gateway.session().await), json!({"phoneNumber": MISREAD}), "phoneNumber"),
        (format!("/api/whatsapp/sessions/{session}/messages"), json!({"to": MISREAD, "message": "x"}), "to"),
    ] {
        let reply = gateway.post(&path, body).send().await;
        assert!(reply.status != 404 || reply.json["error"]["code"] != "resource_not_found", "no such path: {path}");
        let details = reply.refused(InvalidPhoneNumber);
        assert_eq!((details["field"].as_str(), details["reason"].as_str()), (Some(field), Some(REASON)), "{path}");
    }
    for path in ["", "/picture", "/presence"].map(|rest| format!("/v1/contacts/{MISREAD}{rest}?sessionId={session}")) {
        let reply = gateway.get(&path).send().await;
        assert_eq!(reply.refused(InvalidPhoneNumber)["reason"], REASON, "{path}");
    }
    for chat in [MISREAD.to_owned(), format!("{MISREAD}@s.whatsapp.net"), format!("{MISREAD}@c.us")] {
        let reply = gateway.get(&format!("/v1/messages?chatId={chat}")).send().await;
        assert_eq!(reply.refused(InvalidRequest)["reason"], REASON, "{chat}");
    }
    // A chat that nobody can write to is a chat all the same.
    gateway.get("/v1/messages?chatId=12@newsletter").send().await.ok(200);
}

#[tokio::test]
async fn a_card_holds_a_service_number_as_it_is_written() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let phones = json!(["190", "0800 123 4567", "+1 (555) 000-1002"]);
    let body = json!({"sessionId": session, "to": SILENT, "contacts": [{"name": "Help", "phoneNumbers": phones}]});
    let sent = gateway.post("/v1/messages/contact", body).send().await;
    assert_eq!(sent.ok(201)["contacts"][0]["phoneNumbers"], json!(["190", "0800 123 4567", "+15550001002"]));
}
