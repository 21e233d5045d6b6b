//! Every way to say it wrong, with the code and the field that each is answered with.

mod bodies;
mod heads;

use std::collections::HashSet;

use serde_json::json;
use wharf::http::Limits;
use wharf_api::ErrorCode::{self, InvalidParameterType as Type, InvalidRequest as Invalid, MissingRequiredParameter as Missing};
use wharf_api::limits;
use wharf_api::ops::Access;

use crate::harness::{Ask, Gateway};

const NOWHERE: &str = "ses_00000000000000000000000000000000";
const NOMESSAGE: &str = "msg_00000000000000000000000000000000";
const NOBODY: &str = "acc_00000000000000000000000000000000";
const NOKEY: &str = "key_00000000";

/// What is sent, and what it is answered with. An empty field is none.
struct Row(&'static str, Ask, ErrorCode, &'static str);

/// A gateway that is patient with bad keys, and the whole table for it.
async fn table() -> (Gateway, Vec<Row>) {
    let gateway = Gateway::start_with(Limits { failed_keys_per_minute: 10_000, ..Limits::default() }).await;
    let operator = gateway.make_operator_key().await;
    let mut all = rows(&gateway);
    all.extend(bodies::recipients(&gateway));
    all.extend(bodies::rows(&gateway, &operator));
    all.extend(heads::rows(&gateway, &operator));
    (gateway, all)
}

fn text(gateway: &Gateway, body: impl AsRef<[u8]>) -> Ask {
    gateway.post("/v1/messages/text", json!(null)).body(body)
}

fn text_with(gateway: &Gateway, field: &str, value: serde_json::Value) -> Ask {
    let mut body = json!({"sessionId": NOWHERE, "to": "14155552671", "text": "x"});
    body[field] = value;
    text(gateway, body.to_string())
}

#[rustfmt::skip]
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn rows(g: &Gateway) -> Vec<Row> {
    let text_without = |field: &str| {
        let mut body = json!({"sessionId": NOWHERE, "to": "14155552671", "text": "x"});
        body.as_object_mut().unwrap().remove(field);
        text(g, body.to_string())
    };
    let key = |body: serde_json::Value| g.post("/v1/api-keys", body);
    let typed = |kind: &str| text_with(g, "text", json!("x")).header("Content-Type", kind);
    let big = format!("{{\"text\": \"{}\"}}", "x".repeat(limits::JSON_BODY_BYTES));
    vec![
        Row("no body", text(g, ""), Invalid, ""),
        Row("spaces only", text(g, " \n"), Invalid, ""),
        Row("an array", text(g, "[]"), Invalid, ""),
        Row("an array with the right values", text(g, "[\"s\",\"t\",\"x\",false]"), Invalid, ""),
        Row("a string", text(g, "\"x\""), Invalid, ""),
        Row("a number", text(g, "1"), Invalid, ""),
        Row("null", text(g, "null"), Invalid, ""),
        Row("no JSON", text(g, "sessionId=1&to=2"), Invalid, ""),
        Row("an unfinished object", text(g, "{\"sessionId\": \"s\""), Invalid, ""),
        Row("an unfinished string", text(g, "{\"sessionId\": \"s"), Invalid, ""),
        Row("a comma too many", text(g, "{\"sessionId\": \"s\",}"), Invalid, ""),
        Row("single quotes", text(g, "{'sessionId': 's'}"), Invalid, ""),
        Row("a comment", text(g, "{/* */}"), Invalid, ""),
        Row("two documents", text(g, "{} {}"), Invalid, ""),
        Row("NaN", text(g, "{\"text\": NaN}"), Invalid, ""),
        Row("a number too large", text(g, "{\"text\": 1e999}"), Invalid, ""),
        Row("a raw line break in a string", text(g, "{\"text\": \"a\nb\"}"), Invalid, ""),
        Row("half a surrogate pair", text(g, "{\"text\": \"\\ud83d\"}"), Invalid, ""),
        Row("no UTF-8", text(g, b"{\"text\": \"\xff\"}"), Invalid, ""),
        Row("UTF-16", text(g, b"\xff\xfe{\x00}\x00"), Invalid, ""),
        Row("a byte order mark", text(g, b"\xef\xbb\xbf{}"), Invalid, ""),
        Row("a repeated key", text(g, r#"{"text": "a", "text": "b"}"#), Invalid, "text"),
        Row("a repeated key in disguise", text(g, r#"{"text": "a", "\u0074ext": "b"}"#), Invalid, "text"),
        Row("U+0000 in a text", text(g, r#"{"text": "a\u0000"}"#), Invalid, "text"),
        Row("100,000 levels", text(g, "[".repeat(100_000)), Invalid, ""),
        Row("65 levels in a known field", text(g, format!("{{\"text\": {}{}}}", "[".repeat(64), "]".repeat(64))), Invalid, ""),
        Row("a body too large", text(g, big.clone()), Invalid, ""),
        Row("a body too large in chunks", text(g, format!("{:x}\r\n{big}\r\n0\r\n\r\n", big.len())).header("Transfer-Encoding", "chunked"), Invalid, ""),
        Row("an announced gigabyte", text(g, "{}").header("Content-Length", "1073741824"), Invalid, ""),
        Row("another type", typed("text/plain"), Invalid, "Content-Type"),
        Row("a form", typed("application/x-www-form-urlencoded"), Invalid, "Content-Type"),
        Row("another charset", typed("application/json; charset=iso-8859-1"), Invalid, "Content-Type"),
        Row("a type that is none", typed("json"), Invalid, "Content-Type"),
        Row("no field at all", text(g, "{}"), Missing, "sessionId"),
        Row("no session", text_without("sessionId"), Missing, "sessionId"),
        Row("no recipient", text_without("to"), Missing, "to"),
        Row("no text", text_without("text"), Missing, "text"),
        Row("a number for the session", text_with(g, "sessionId", json!(1)), Type, "sessionId"),
        Row("a number for the recipient", text_with(g, "to", json!(14_155_552_671_u64)), Type, "to"),
        Row("a list for the recipient", text_with(g, "to", json!(["14155552671"])), Type, "to"),
        Row("null for the text", text_with(g, "text", json!(null)), Type, "text"),
        Row("an object for the text", text_with(g, "text", json!({"body": "x"})), Type, "text"),
        Row("a boolean for the text", text_with(g, "text", json!(true)), Type, "text"),
        Row("a word for a boolean", text_with(g, "async", json!("true")), Type, "async"),
        Row("a number for a boolean", text_with(g, "async", json!(1)), Type, "async"),
        Row("an unknown field", text_with(g, "message", json!("x")), Invalid, "message"),
        Row("a field in another case", text_with(g, "sessionid", json!("x")), Invalid, "sessionid"),
        Row("an empty text", text_with(g, "text", json!("")), Invalid, "text"),
        Row("a text too long", text_with(g, "text", json!("😀".repeat(4097))), ErrorCode::MessageTooLong, "text"),
        Row("letters for a number", text_with(g, "to", json!("12ab")), ErrorCode::InvalidPhoneNumber, "to"),
        Row("an empty number", text_with(g, "to", json!("")), ErrorCode::InvalidPhoneNumber, "to"),
        Row("a number too short", text_with(g, "to", json!("123456")), ErrorCode::InvalidPhoneNumber, "to"),
        Row("a number too long", text_with(g, "to", json!("1234567890123456")), ErrorCode::InvalidPhoneNumber, "to"),
        Row("an unknown server", text_with(g, "to", json!("14155552671@example.com")), ErrorCode::InvalidPhoneNumber, "to"),
        Row("a channel", text_with(g, "to", json!("120363144038483540@newsletter")), ErrorCode::InvalidPhoneNumber, "to"),
        Row("an empty idempotency key", text_with(g, "text", json!("x")).header("Idempotency-Key", ""), Invalid, "Idempotency-Key"),
        Row("a long idempotency key", text_with(g, "text", json!("x")).header("Idempotency-Key", "k".repeat(256)), Invalid, "Idempotency-Key"),
        Row("an idempotency key with a space", text_with(g, "text", json!("x")).header("Idempotency-Key", "a b"), Invalid, "Idempotency-Key"),
        Row("an idempotency key beyond ASCII", text_with(g, "text", json!("x")).header("Idempotency-Key", b"k\xe9"), Invalid, "Idempotency-Key"),
        Row("two idempotency keys", text_with(g, "text", json!("x")).header("Idempotency-Key", "a").also("Idempotency-Key", "b"), Invalid, "Idempotency-Key"),
        Row("a session without a name", g.post("/v1/sessions", json!({})), Missing, "name"),
        Row("a session with an empty name", g.post("/v1/sessions", json!({"name": " "})), Invalid, "name"),
        Row("a session with a long name", g.post("/v1/sessions", json!({"name": "x".repeat(101)})), Invalid, "name"),
        Row("a session with a number for a name", g.post("/v1/sessions", json!({"name": 1})), Type, "name"),
        Row("a session with a line break in its name", g.post("/v1/sessions", json!({"name": "a\nb"})), Invalid, "name"),
        Row("a check without numbers", g.post("/v1/contacts/check", json!({"sessionId": NOWHERE})), Missing, "phoneNumbers"),
        Row("a check of nothing", g.post("/v1/contacts/check", json!({"sessionId": NOWHERE, "phoneNumbers": []})), Invalid, "phoneNumbers"),
        Row("a check of too many", g.post("/v1/contacts/check", json!({"sessionId": NOWHERE, "phoneNumbers": vec!["14155552671"; 51]})), Invalid, "phoneNumbers"),
        Row("a check of a number that is a number", g.post("/v1/contacts/check", json!({"sessionId": NOWHERE, "phoneNumbers": ["14155552671", 2]})), Type, "phoneNumbers[1]"),
        Row("a check of one string", g.post("/v1/contacts/check", json!({"sessionId": NOWHERE, "phoneNumbers": "14155552671"})), Type, "phoneNumbers"),
        Row("a check of no number", g.post("/v1/contacts/check", json!({"sessionId": NOWHERE, "phoneNumbers": ["14155552671", "x"]})), ErrorCode::InvalidPhoneNumber, "phoneNumbers[1]"),
        Row("a pairing code for nobody", g.post(&format!("/v1/sessions/{NOWHERE}/pairing-code"), json!({})), Missing, "phoneNumber"),
        Row("a key without permissions", key(json!({"name": "k"})), Missing, "permissions"),
        Row("a key that may nothing", key(json!({"name": "k", "permissions": []})), Invalid, "permissions"),
        Row("a key with an unknown permission", key(json!({"name": "k", "permissions": ["sessions:read", "all"]})), Invalid, "permissions[1]"),
        Row("a key with a number for a permission", key(json!({"name": "k", "permissions": [7]})), Type, "permissions[0]"),
        Row("a key that expires tomorrow", key(json!({"name": "k", "permissions": ["sessions:read"], "expiresAt": "tomorrow"})), Invalid, "expiresAt"),
        Row("a key that expires at a number", key(json!({"name": "k", "permissions": ["sessions:read"], "expiresAt": 1_800_000_000})), Type, "expiresAt"),
        Row("a key for a session that is none", key(json!({"name": "k", "permissions": ["sessions:read"], "sessionIds": ["x"]})), ErrorCode::SessionNotFound, "sessionIds"),
        Row("a limit that is no number", g.get("/v1/messages?limit=ten"), Type, "limit"),
        Row("a blank limit", g.get("/v1/sessions?limit=%20"), Type, "limit"),
        Row("a limit of nothing", g.get("/v1/messages?limit=0"), Invalid, "limit"),
        Row("a limit too high", g.get("/v1/api-keys?limit=201"), Invalid, "limit"),
        Row("a negative limit", g.get("/v1/messages?limit=-1"), Invalid, "limit"),
        Row("a foreign cursor", g.get("/v1/messages?cursor=abc"), Invalid, "cursor"),
        Row("a cursor that is a number", g.get("/v1/sessions?cursor=17"), Invalid, "cursor"),
        Row("an unknown direction", g.get("/v1/messages?direction=sideways"), Invalid, "direction"),
        Row("an unknown status", g.get("/v1/messages?status=lost"), Invalid, "status"),
        Row("a chat that is none", g.get("/v1/messages?chatId=abc"), Invalid, "chatId"),
        Row("an unknown parameter", g.get("/v1/messages?sesionId=x"), Invalid, "sesionId"),
        Row("a repeated parameter", g.get("/v1/messages?limit=1&limit=2"), Invalid, "limit"),
        Row("half an escape in the query", g.get("/v1/messages?chatId=%4"), Invalid, "chatId"),
        Row("an escape of no UTF-8 in the query", g.get("/v1/messages?chatId=%ff"), Invalid, "chatId"),
        Row("half an escape in the path", g.get("/v1/sessions/ses_%4"), Invalid, ""),
        Row("an escape of no UTF-8 in the path", g.get("/v1/messages/%ff"), Invalid, ""),
        Row("a wait that is no number", g.get(&format!("/v1/sessions/{NOWHERE}/qr?wait=long")), Type, "wait"),
        Row("a wait too long", g.get(&format!("/v1/sessions/{NOWHERE}/qr?wait=31")), Invalid, "wait"),
        Row("a session that is none", g.get("/v1/sessions/x"), ErrorCode::SessionNotFound, ""),
        Row("a message that is none", g.get("/v1/messages/x"), ErrorCode::MessageNotFound, ""),
        Row("a key that is none", g.get("/v1/api-keys/x"), ErrorCode::ResourceNotFound, ""),
        Row("a filter by no session", g.get("/v1/messages?sessionId=x"), ErrorCode::SessionNotFound, ""),
    ]
}

#[tokio::test]
async fn every_malformed_request_is_answered_with_its_code_and_its_field() {
    let (_gateway, rows) = table().await;
    assert!(rows.len() >= 300, "{}", rows.len());
    let names: HashSet<_> = rows.iter().map(|row| row.0).collect();
    assert_eq!(names.len(), rows.len(), "every row says what is wrong with it in words of its own");
    let mut wrong = Vec::new();
    for Row(name, ask, code, field) in rows {
        let reply = ask.send().await;
        let error = &reply.json["error"];
        let told = (error["code"].as_str().unwrap_or_default(), error["details"]["field"].as_str().unwrap_or_default());
        if told == (code.name(), field) {
            reply.refused(code);
        } else {
            wrong.push(format!("{name}: {} {field:?} is expected, not {}", code.name(), reply.shown()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(wharf::http::declared::undeclared(), 0, "every answered code is declared");
}

#[tokio::test]
async fn the_shape_of_a_body_is_not_looked_at_before_the_key_and_the_permission() {
    let (gateway, rows) = table().await;
    let reader = gateway.make_key(&[wharf_api::Permission::SessionsRead], None).await;
    for Row(name, ask, code, _) in rows {
        // A path that is not served, or not by this method, has no key to ask for.
        let unrouted = ask.operation().is_none_or(|operation| operation.access == Access::Open);
        let reply = ask.header("Authorization", "Bearer nonsense").send().await;
        let expected = if unrouted { code } else { ErrorCode::InvalidApiKey };
        assert_eq!(reply.json["error"]["code"], expected.name(), "{name}: {}", reply.shown());
    }
    text(&gateway, "{").key(&reader).send().await.refused(ErrorCode::InsufficientPermissions);
}

#[tokio::test]
async fn a_refusal_echoes_nothing_of_the_body() {
    let gateway = Gateway::start().await;
    for body in [r#"{"text": "canary-4711"#, r#"{"text": ["canary-4711"]}"#, r#"{"async": "canary-4711"}"#, "canary-4711"] {
        let reply = text(&gateway, body).send().await;
        assert_eq!(reply.status, 400);
        assert!(!reply.shown().contains("canary"), "{}", reply.shown());
    }
}
