//! Bodies of the operations beside `send_text`: what is no JSON, what is missing, what has another type.

use serde_json::{Value, json};
use wharf_api::ErrorCode::{self, InvalidParameterType as Type, InvalidRequest as Invalid, MissingRequiredParameter as Missing};

use super::{NOBODY, NOKEY, NOWHERE, Row};
use crate::harness::{Ask, Gateway, engine};

/// `body` with `value` for `field`.
fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

/// `body` without `field`.
fn without(mut body: Value, field: &str) -> Value {
    body.as_object_mut().unwrap().remove(field);
    body
}

#[rustfmt::skip]
#[expect(clippy::too_many_lines, reason = "it is a table")]
pub fn rows(g: &Gateway, operator: &str) -> Vec<Row> {
    let post = |path: &str, body: Value| g.post(path, body);
    let raw = |path: &str, body: &str| g.post(path, json!(null)).body(body);
    let admin = |method: &str, path: &str, body: Value| g.ask(method, path).key(operator).json(&body);
    let session = |body: Value| post("/v1/sessions", body);
    let check = |body: Value| post("/v1/contacts/check", body);
    let one = json!({"sessionId": NOWHERE, "phoneNumbers": ["14155552671"]});
    let pair = |body: Value| post(&format!("/v1/sessions/{NOWHERE}/pairing-code"), body);
    let passkey = |body: Value| post(&format!("/v1/sessions/{NOWHERE}/passkey"), body);
    let good_passkey = engine::signed();
    let confirm = |body: Value| post(&format!("/v1/sessions/{NOWHERE}/passkey/confirm"), body);
    let key = |body: Value| post("/v1/api-keys", body);
    let good_key = json!({"name": "k", "permissions": ["sessions:read"]});
    let rotate = |body: Value| post(&format!("/v1/api-keys/{NOKEY}/rotate"), body);
    let plan = |body: Value| admin("PUT", "/v1/admin/plans/odd", body);
    let good_plan = json!({"messagesPerDay": 1, "callsPerMinute": 1, "sessions": 1, "concurrentRequests": 1});
    let account = |body: Value| admin("POST", "/v1/admin/accounts", body);
    let good_account = json!({"name": "a", "plan": "free"});
    let patch = |body: Value| admin("PATCH", &format!("/v1/admin/accounts/{NOBODY}"), body);
    let their_key = |body: Value| admin("POST", &format!("/v1/admin/accounts/{NOBODY}/api-keys"), body);
    let quick = |body: Value| post("/api/whatsapp/sessions", body);
    let quick_text = |body: Value| post(&format!("/api/whatsapp/sessions/{NOWHERE}/messages"), body);
    let good_quick = json!({"to": "14155552671", "message": "x"});
    let bad_phone = ErrorCode::InvalidPhoneNumber;
    vec![
        Row("a passkey without a signature", passkey(without(good_passkey.clone(), "response")), Missing, "response"),
        Row("a passkey whose signature is a list", passkey(with(good_passkey.clone(), "response", json!([]))), Type, "response"),
        Row("a passkey of another type", passkey(with(good_passkey.clone(), "type", json!("password"))), Invalid, "type"),
        Row("a passkey that is not base64url", passkey(with(good_passkey.clone(), "rawId", json!("+/"))), Invalid, "rawId"),
        Row("a passkey with two ids", passkey(with(good_passkey.clone(), "rawId", json!("AAAA"))), Invalid, "id"),
        Row("a passkey with an unknown member", passkey(with(good_passkey, "credential", json!(1))), Invalid, "credential"),
        Row("a confirmation without a code", confirm(json!({})), Missing, "code"),
        Row("a confirmation with a number for its code", confirm(json!({"code": 1})), Type, "code"),
        Row("a confirmation with half a code", confirm(json!({"code": "ABCD"})), Invalid, "code"),
        Row("a session without a body", raw("/v1/sessions", ""), Invalid, ""),
        Row("a session as a list", session(json!(["name"])), Invalid, ""),
        Row("a session as a word", session(json!("name")), Invalid, ""),
        Row("a session as null", session(json!(null)), Invalid, ""),
        Row("a session in XML", raw("/v1/sessions", "<name>x</name>"), Invalid, ""),
        Row("a session in YAML", raw("/v1/sessions", "name: x"), Invalid, ""),
        Row("a session cut short", raw("/v1/sessions", "{\"name\": \"x\""), Invalid, ""),
        Row("a session with a key without quotes", raw("/v1/sessions", "{name: \"x\"}"), Invalid, ""),
        Row("a session with a colon too few", raw("/v1/sessions", "{\"name\" \"x\"}"), Invalid, ""),
        Row("a session with two names", raw("/v1/sessions", r#"{"name": "a", "name": "a"}"#), Invalid, "name"),
        Row("a session with an unknown escape", raw("/v1/sessions", r#"{"name": "\x41"}"#), Invalid, ""),
        Row("a session with a short escape", raw("/v1/sessions", r#"{"name": "\u12"}"#), Invalid, ""),
        Row("a session with the halves of a pair in the wrong order", raw("/v1/sessions", r#"{"name": "\udc00\ud800"}"#), Invalid, ""),
        Row("a session with a tab in its name's JSON", raw("/v1/sessions", "{\"name\": \"a\tb\"}"), Invalid, ""),
        Row("a session with U+0000 in its name", raw("/v1/sessions", r#"{"name": "a\u0000"}"#), Invalid, "name"),
        Row("a session with U+0000 in a key", raw("/v1/sessions", r#"{"na\u0000me": "a"}"#), Invalid, "name"),
        Row("a session with bytes after its end", raw("/v1/sessions", r#"{"name": "x"} x"#), Invalid, ""),
        Row("a session with a leading plus", raw("/v1/sessions", r#"{"name": +1}"#), Invalid, ""),
        Row("a session with a leading zero", raw("/v1/sessions", r#"{"name": 01}"#), Invalid, ""),
        Row("a session in hexadecimal", raw("/v1/sessions", r#"{"name": 0x1}"#), Invalid, ""),
        Row("a session with Infinity", raw("/v1/sessions", r#"{"name": Infinity}"#), Invalid, ""),
        Row("a session with True", raw("/v1/sessions", r#"{"name": True}"#), Invalid, ""),
        Row("a session with undefined", raw("/v1/sessions", r#"{"name": undefined}"#), Invalid, ""),
        Row("a session with null for its name", session(json!({"name": null})), Type, "name"),
        Row("a session with a list for its name", session(json!({"name": ["x"]})), Type, "name"),
        Row("a session with an object for its name", session(json!({"name": {"x": 1}})), Type, "name"),
        Row("a session with a boolean for its name", session(json!({"name": false})), Type, "name"),
        Row("a session without letters in its name", session(json!({"name": ""})), Invalid, "name"),
        Row("a session of tabs", session(json!({"name": "\t\t"})), Invalid, "name"),
        Row("a session with U+0085 in its name", session(json!({"name": "a\u{85}b"})), Invalid, "name"),
        Row("a session with U+007F in its name", session(json!({"name": "a\u{7f}b"})), Invalid, "name"),
        Row("a session with 101 flags for a name", session(json!({"name": "é".repeat(101)})), Invalid, "name"),
        Row("a session with an id of its own", session(json!({"name": "x", "sessionId": NOWHERE})), Invalid, "sessionId"),
        Row("a session with a field of no name", session(json!({"name": "x", "": 1})), Invalid, ""),
        Row("a session with a prototype", session(json!({"name": "x", "__proto__": {}})), Invalid, "__proto__"),
        Row("a session with its name in capitals", session(json!({"NAME": "x"})), Invalid, "NAME"),

        Row("a pairing code without a body", g.post(&format!("/v1/sessions/{NOWHERE}/pairing-code"), json!(null)).body(""), Invalid, ""),
        Row("a pairing code for a list", pair(json!([])), Invalid, ""),
        Row("a pairing code for a number", pair(json!({"phoneNumber": 14_155_552_671_u64})), Type, "phoneNumber"),
        Row("a pairing code for null", pair(json!({"phoneNumber": null})), Type, "phoneNumber"),
        Row("a pairing code for an empty number", pair(json!({"phoneNumber": ""})), bad_phone, "phoneNumber"),
        Row("a pairing code for letters", pair(json!({"phoneNumber": "CALL-ME"})), bad_phone, "phoneNumber"),
        Row("a pairing code for six digits", pair(json!({"phoneNumber": "123456"})), bad_phone, "phoneNumber"),
        Row("a pairing code for sixteen digits", pair(json!({"phoneNumber": "1234567890123456"})), bad_phone, "phoneNumber"),
        Row("a pairing code for a national number", pair(json!({"phoneNumber": "0171 1234567"})), bad_phone, "phoneNumber"),
        Row("a pairing code for a chat id", pair(json!({"phoneNumber": "14155552671@s.whatsapp.net"})), bad_phone, "phoneNumber"),
        Row("a pairing code with a wish", pair(json!({"phoneNumber": "14155552671", "code": "ABCD1234"})), Invalid, "code"),
        Row("a pairing code with the field in snake case", pair(json!({"phone_number": "14155552671"})), Invalid, "phone_number"),

        Row("a check without a body", raw("/v1/contacts/check", ""), Invalid, ""),
        Row("a check without a session", check(without(one.clone(), "sessionId")), Missing, "sessionId"),
        Row("a check with null for the session", check(with(one.clone(), "sessionId", json!(null))), Type, "sessionId"),
        Row("a check with a list for the session", check(with(one.clone(), "sessionId", json!([NOWHERE]))), Type, "sessionId"),
        Row("a check with null for the numbers", check(with(one.clone(), "phoneNumbers", json!(null))), Type, "phoneNumbers"),
        Row("a check with an object for the numbers", check(with(one.clone(), "phoneNumbers", json!({"0": "14155552671"}))), Type, "phoneNumbers"),
        Row("a check with a number for the numbers", check(with(one.clone(), "phoneNumbers", json!(14_155_552_671_u64))), Type, "phoneNumbers"),
        Row("a check of null", check(with(one.clone(), "phoneNumbers", json!([null]))), Type, "phoneNumbers[0]"),
        Row("a check of a list in a list", check(with(one.clone(), "phoneNumbers", json!([["14155552671"]]))), Type, "phoneNumbers[0]"),
        Row("a check of an object", check(with(one.clone(), "phoneNumbers", json!([{"phone": "14155552671"}]))), Type, "phoneNumbers[0]"),
        Row("a check of an empty number", check(with(one.clone(), "phoneNumbers", json!([""]))), bad_phone, "phoneNumbers[0]"),
        Row("a check of a group", check(with(one.clone(), "phoneNumbers", json!(["14155552671", "120363000000000000@g.us"]))), bad_phone, "phoneNumbers[1]"),
        Row("a check of a number with an extension", check(with(one.clone(), "phoneNumbers", json!(["14155552671x12"]))), bad_phone, "phoneNumbers[0]"),
        Row("a check of Arabic digits", check(with(one.clone(), "phoneNumbers", json!(["١٤١٥٥٥٥٢٦٧١"]))), bad_phone, "phoneNumbers[0]"),
        Row("a check of two pluses", check(with(one.clone(), "phoneNumbers", json!(["++14155552671"]))), bad_phone, "phoneNumbers[0]"),
        Row("a check of a plus in the middle", check(with(one.clone(), "phoneNumbers", json!(["1415+5552671"]))), bad_phone, "phoneNumbers[0]"),
        Row("a check with an unknown field", check(with(one.clone(), "force", json!(true))), Invalid, "force"),
        Row("a check of the 50th number that is none", check(with(one.clone(), "phoneNumbers", json!([vec!["14155552671"; 49], vec!["x"]].concat()))), bad_phone, "phoneNumbers[49]"),

        Row("a key without a body", raw("/v1/api-keys", ""), Invalid, ""),
        Row("a key as a list", key(json!([])), Invalid, ""),
        Row("a key without a name", key(without(good_key.clone(), "name")), Missing, "name"),
        Row("a key with null for its name", key(with(good_key.clone(), "name", json!(null))), Type, "name"),
        Row("a key with a number for its name", key(with(good_key.clone(), "name", json!(1))), Type, "name"),
        Row("a key with an empty name", key(with(good_key.clone(), "name", json!(""))), Invalid, "name"),
        Row("a key with a long name", key(with(good_key.clone(), "name", json!("x".repeat(101)))), Invalid, "name"),
        Row("a key with an escape code in its name", key(with(good_key.clone(), "name", json!("\u{1b}[31m"))), Invalid, "name"),
        Row("a key with null for its permissions", key(with(good_key.clone(), "permissions", json!(null))), Type, "permissions"),
        Row("a key with a word for its permissions", key(with(good_key.clone(), "permissions", json!("sessions:read"))), Type, "permissions"),
        Row("a key with an object for its permissions", key(with(good_key.clone(), "permissions", json!({"sessions": "read"}))), Type, "permissions"),
        Row("a key with null for a permission", key(with(good_key.clone(), "permissions", json!([null]))), Type, "permissions[0]"),
        Row("a key with a list for a permission", key(with(good_key.clone(), "permissions", json!([["sessions:read"]]))), Type, "permissions[0]"),
        Row("a key with an empty permission", key(with(good_key.clone(), "permissions", json!([""]))), Invalid, "permissions[0]"),
        Row("a key with a permission in capitals", key(with(good_key.clone(), "permissions", json!(["SESSIONS:READ"]))), Invalid, "permissions[0]"),
        Row("a key with a permission with a space", key(with(good_key.clone(), "permissions", json!(["sessions:read "]))), Invalid, "permissions[0]"),
        Row("a key with a star", key(with(good_key.clone(), "permissions", json!(["*"]))), Invalid, "permissions[0]"),
        Row("a key with a boolean for its expiry", key(with(good_key.clone(), "expiresAt", json!(false))), Type, "expiresAt"),
        Row("a key with a list for its expiry", key(with(good_key.clone(), "expiresAt", json!([]))), Type, "expiresAt"),
        Row("a key with an empty expiry", key(with(good_key.clone(), "expiresAt", json!(""))), Invalid, "expiresAt"),
        Row("a key that expires on a day", key(with(good_key.clone(), "expiresAt", json!("2030-01-01"))), Invalid, "expiresAt"),
        Row("a key that expires without an offset", key(with(good_key.clone(), "expiresAt", json!("2030-01-01T00:00:00"))), Invalid, "expiresAt"),
        Row("a key that expires on 30 February", key(with(good_key.clone(), "expiresAt", json!("2030-02-30T00:00:00Z"))), Invalid, "expiresAt"),
        Row("a key that expires at 25 o'clock", key(with(good_key.clone(), "expiresAt", json!("2030-01-01T25:00:00Z"))), Invalid, "expiresAt"),
        Row("a key with a word for its sessions", key(with(good_key.clone(), "sessionIds", json!(NOWHERE))), Type, "sessionIds"),
        Row("a key with a number for a session", key(with(good_key.clone(), "sessionIds", json!([1]))), Type, "sessionIds[0]"),
        Row("a key with null for a session", key(with(good_key.clone(), "sessionIds", json!([NOWHERE, null]))), Type, "sessionIds[1]"),
        Row("a key for a session that is nobody's", key(with(good_key.clone(), "sessionIds", json!([NOWHERE]))), ErrorCode::SessionNotFound, "sessionIds"),
        Row("a key with an operator's right", key(with(good_key.clone(), "operator", json!(true))), Invalid, "operator"),
        Row("a key with a secret of its own", key(with(good_key.clone(), "apiKey", json!("x"))), Invalid, "apiKey"),

        Row("a rotation in a list", rotate(json!([{}])), Invalid, ""),
        Row("a rotation with a word for the overlap", rotate(json!({"overlapSeconds": "10"})), Type, "overlapSeconds"),
        Row("a rotation with a boolean for the overlap", rotate(json!({"overlapSeconds": true})), Type, "overlapSeconds"),
        Row("a rotation with half a second", rotate(json!({"overlapSeconds": 0.5})), Type, "overlapSeconds"),
        Row("a rotation with an overlap in a list", rotate(json!({"overlapSeconds": [1]})), Type, "overlapSeconds"),
        Row("a rotation into the past", rotate(json!({"overlapSeconds": -1})), Invalid, "overlapSeconds"),
        Row("a rotation with a second too many", rotate(json!({"overlapSeconds": 604_801})), Invalid, "overlapSeconds"),
        Row("a rotation with more seconds than there are", rotate(json!({"overlapSeconds": u64::MAX})), Invalid, "overlapSeconds"),
        Row("a rotation with an unknown field", rotate(json!({"overlap": 1})), Invalid, "overlap"),
        Row("a rotation cut short", raw(&format!("/v1/api-keys/{NOKEY}/rotate"), "{"), Invalid, ""),

        Row("a plan without a body", g.ask("PUT", "/v1/admin/plans/odd").key(operator), Invalid, ""),
        Row("a plan as a list", plan(json!([])), Invalid, ""),
        Row("a plan without calls", plan(without(good_plan.clone(), "callsPerMinute")), Missing, "callsPerMinute"),
        Row("a plan without requests at a time", plan(without(good_plan.clone(), "concurrentRequests")), Missing, "concurrentRequests"),
        Row("a plan with null for its calls", plan(with(good_plan.clone(), "callsPerMinute", json!(null))), Type, "callsPerMinute"),
        Row("a plan with a word for its calls", plan(with(good_plan.clone(), "callsPerMinute", json!("100"))), Type, "callsPerMinute"),
        Row("a plan with half a call", plan(with(good_plan.clone(), "callsPerMinute", json!(0.5))), Type, "callsPerMinute"),
        Row("a plan with no calls", plan(with(good_plan.clone(), "callsPerMinute", json!(0))), Invalid, "callsPerMinute"),
        Row("a plan with calls below zero", plan(with(good_plan.clone(), "callsPerMinute", json!(-5))), Invalid, "callsPerMinute"),
        Row("a plan with too many calls", plan(with(good_plan.clone(), "callsPerMinute", json!(1_000_000_001_u64))), Invalid, "callsPerMinute"),
        Row("a plan with no requests at a time", plan(with(good_plan.clone(), "concurrentRequests", json!(0))), Invalid, "concurrentRequests"),
        Row("a plan with too many sessions", plan(with(good_plan.clone(), "sessions", json!(1_000_000_001_u64))), Invalid, "sessions"),
        Row("a plan with a word for its sessions", plan(with(good_plan.clone(), "sessions", json!("unlimited"))), Type, "sessions"),
        Row("a plan with messages below zero", plan(with(good_plan.clone(), "messagesPerDay", json!(-1))), Invalid, "messagesPerDay"),
        Row("a plan with a boolean for its messages", plan(with(good_plan.clone(), "messagesPerDay", json!(false))), Type, "messagesPerDay"),
        Row("a plan with a price", plan(with(good_plan.clone(), "price", json!(9))), Invalid, "price"),
        Row("a plan with a name in its body", plan(with(good_plan.clone(), "name", json!("odd"))), Invalid, "name"),
        Row("a plan with a name in capitals", admin("PUT", "/v1/admin/plans/Odd", good_plan.clone()), Invalid, "name"),
        Row("a plan with a space in its name", admin("PUT", "/v1/admin/plans/o%20d", good_plan.clone()), Invalid, "name"),
        Row("a plan with 51 letters in its name", admin("PUT", &format!("/v1/admin/plans/{}", "x".repeat(51)), good_plan.clone()), Invalid, "name"),

        Row("an account without a name", account(without(good_account.clone(), "name")), Missing, "name"),
        Row("an account without a plan", account(without(good_account.clone(), "plan")), Missing, "plan"),
        Row("an account with an empty name", account(with(good_account.clone(), "name", json!("  "))), Invalid, "name"),
        Row("an account with a long name", account(with(good_account.clone(), "name", json!("x".repeat(101)))), Invalid, "name"),
        Row("an account with null for its name", account(with(good_account.clone(), "name", json!(null))), Type, "name"),
        Row("an account with a number for its plan", account(with(good_account.clone(), "plan", json!(1))), Type, "plan"),
        Row("an account on no plan", account(with(good_account.clone(), "plan", json!("gold"))), Invalid, "plan"),
        Row("an account on an empty plan", account(with(good_account.clone(), "plan", json!(""))), Invalid, "plan"),
        Row("an account with a plan of its own", account(with(good_account.clone(), "plan", good_plan.clone())), Type, "plan"),
        Row("an account with an unknown field", account(with(good_account.clone(), "email", json!("a@b"))), Invalid, "email"),
        Row("a change with an empty name", patch(json!({"name": ""})), Invalid, "name"),
        Row("a change with a number for a name", patch(json!({"name": 7})), Type, "name"),
        Row("a change to no plan", patch(json!({"plan": "gold"})), Invalid, "plan"),
        Row("a change with a list for a plan", patch(json!({"plan": []})), Type, "plan"),
        Row("a change of the id", patch(json!({"accountId": NOBODY})), Invalid, "accountId"),
        Row("a change as a list", patch(json!([])), Invalid, ""),
        Row("a change of an account that is nobody's", patch(json!({"name": "x"})), ErrorCode::ResourceNotFound, ""),
        Row("somebody's key without permissions", their_key(json!({"name": "k"})), Missing, "permissions"),
        Row("somebody's key with a number for a name", their_key(json!({"name": 1, "permissions": []})), Type, "name"),
        Row("somebody's key with an unknown permission", their_key(json!({"name": "k", "permissions": ["all"]})), Invalid, "permissions[0]"),
        Row("somebody's key that may nothing", their_key(json!({"name": "k", "permissions": []})), Invalid, "permissions"),

        Row("a quick session without a name", quick(json!({})), Missing, "name"),
        Row("a quick session with a number for a name", quick(json!({"name": 1})), Type, "name"),
        Row("a quick session with an empty name", quick(json!({"name": ""})), Invalid, "name"),
        Row("a quick session with a number for a webhook", quick(json!({"name": "x", "webhook": 1})), Type, "webhook"),
        Row("a quick session with an unknown field", quick(json!({"name": "x", "qr": true})), Invalid, "qr"),
        Row("a quick text without a recipient", quick_text(without(good_quick.clone(), "to")), Missing, "to"),
        Row("a quick text without a message", quick_text(without(good_quick.clone(), "message")), Missing, "message"),
        Row("a quick text with a text", quick_text(with(good_quick.clone(), "text", json!("x"))), Invalid, "text"),
        Row("a quick text with an empty message", quick_text(with(good_quick.clone(), "message", json!(""))), Invalid, "message"),
        Row("a quick text with a long message", quick_text(with(good_quick.clone(), "message", json!("x".repeat(4097)))), ErrorCode::MessageTooLong, "message"),
        Row("a quick text with a number for a message", quick_text(with(good_quick.clone(), "message", json!(1))), Type, "message"),
        Row("a quick text to letters", quick_text(with(good_quick.clone(), "to", json!("ada"))), bad_phone, "to"),
        Row("a quick text to null", quick_text(with(good_quick.clone(), "to", json!(null))), Type, "to"),
    ]
}

/// The same for the recipients of a text.
#[rustfmt::skip]
pub fn recipients(g: &Gateway) -> Vec<Row> {
    let to = |to: &str| -> Ask { g.post("/v1/messages/text", json!({"sessionId": NOWHERE, "to": to, "text": "x"})) };
    let bad = ErrorCode::InvalidPhoneNumber;
    vec![
        Row("a text to spaces", to("   "), bad, "to"),
        Row("a text to a plus", to("+"), bad, "to"),
        Row("a text to separators", to("(-) ."), bad, "to"),
        Row("a text to a national number", to("0171 2345678"), bad, "to"),
        Row("a text to an international prefix", to("001 415 555 2671"), bad, "to"),
        Row("a text to two numbers", to("14155552671,14155552672"), bad, "to"),
        Row("a text to a number with a slash", to("1415/5552671"), bad, "to"),
        Row("a text to a telephone URI", to("tel:+14155552671"), bad, "to"),
        Row("a text to a mail address", to("ada@example.com"), bad, "to"),
        Row("a text to a name", to("Ada"), bad, "to"),
        Row("a text to a group without a number", to("@g.us"), bad, "to"),
        Row("a text to a group with letters", to("abc@g.us"), bad, "to"),
        Row("a text to a group of 41 digits", to(&format!("{}@g.us", "1".repeat(41))), bad, "to"),
        Row("a text to a LID without a number", to("@lid"), bad, "to"),
        Row("a text to a LID of 21 digits", to(&format!("{}@lid", "1".repeat(21))), bad, "to"),
        Row("a text to a server without a number", to("@s.whatsapp.net"), bad, "to"),
        Row("a text to two servers", to("14155552671@s.whatsapp.net@g.us"), bad, "to"),
        Row("a text to full-width digits", to("１４１５５５５２６７１"), bad, "to"),
        Row("a text to a number with a line break", to("1415\n5552671"), bad, "to"),
        Row("a text to a right-to-left mark", to("\u{200f}14155552671"), bad, "to"),
    ]
}
