//! All that an account has comes out as lines: once, in one order, for whoever may read it, and without a secret.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wharf_api::{ErrorCode, Permission};

use crate::harness::requests::Objects;
use crate::harness::{Ask, Gateway, engine};

/// The lines, each with its sort.
async fn lines(ask: Ask) -> Vec<(String, Value)> {
    let reply = ask.send().await;
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/x-ndjson"), "{}", reply.shown());
    let text = String::from_utf8(unpacked(&reply.body)).unwrap();
    assert!(text.ends_with('\n') && !text.contains("\n\n"));
    let line = |line: &str| {
        let mut value: Value = serde_json::from_str(line).unwrap();
        (value["type"].as_str().unwrap().to_owned(), value["data"].take())
    };
    text.lines().map(line).collect()
}

/// The bytes of an answer that comes in pieces, each behind its length.
fn unpacked(mut rest: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n").unwrap();
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if length == 0 {
            return whole;
        }
        let from = end + 2;
        whole.extend_from_slice(&rest[from..from + length]);
        rest = &rest[from + length + 2..];
    }
}

fn sorts(lines: &[(String, Value)]) -> Vec<&str> {
    let mut sorts: Vec<_> = lines.iter().map(|(sort, _)| sort.as_str()).collect();
    sorts.dedup();
    sorts
}

fn ids(lines: &[(String, Value)], sort: &str, name: &str) -> Vec<String> {
    lines.iter().filter(|(of, _)| of == sort).map(|(_, data)| data[name].as_str().unwrap().to_owned()).collect()
}

/// What ends with how many lines there were is whole.
fn is_whole(lines: &[(String, Value)]) -> bool {
    lines.last() == Some(&("end".to_owned(), json!({"lines": lines.len() - 1})))
}

#[tokio::test]
async fn an_export_has_all_of_its_account_once_in_one_order_and_nothing_that_is_secret() {
    let gateway = Gateway::start().await;
    let (own, other) = (Objects::of(&gateway, "own").await, Objects::of(&gateway, "other").await);
    let ask = |method: &str, path: &str| gateway.ask(method, path).key(&own.api_key);
    for number in 0..205 {
        let body = json!({"sessionId": own.session, "to": engine::SILENT, "text": format!("text {number}"), "async": true});
        ask("POST", "/v1/messages/text").json(&body).send().await.ok(201);
    }
    let proxied = json!({"name": "by a proxy", "proxy": "socks5://somebody:the-secret@10.0.0.1:1080"});
    ask("POST", "/v1/sessions").json(&proxied).send().await.ok(201);

    let found = lines(ask("GET", "/v1/account/export")).await;
    assert!(is_whole(&found), "{:?}", found.last());
    assert_eq!(sorts(&found), ["export", "account", "usage", "session", "chat", "contact", "message", "media", "event", "end"]);
    assert_eq!((&found[0].1["accountId"], &found[0].1["format"]), (&found[1].1["accountId"], &json!(1)));
    let messages = ids(&found, "message", "messageId");
    let unique: BTreeSet<_> = messages.iter().collect();
    assert_eq!((messages.len(), unique.len()), (206, 206));
    assert!(messages.contains(&own.message));
    assert_eq!(ids(&found, "session", "sessionId").len(), 3);
    assert_eq!(ids(&found, "media", "mediaId"), [own.media.as_str()]);
    assert!(ids(&found, "chat", "sessionId").contains(&own.session) && ids(&found, "contact", "sessionId").contains(&own.session));
    let mut logged = Vec::new();
    let mut path = "/v1/events?limit=200".to_owned();
    loop {
        let page = ask("GET", &path).send().await;
        let rows = page.ok(200).as_array().unwrap();
        if rows.is_empty() {
            break;
        }
        logged.extend(rows.iter().map(|event| event["eventId"].as_str().unwrap().to_owned()));
        path = format!("/v1/events?limit=200&cursor={}", page.json["page"]["next"].as_str().unwrap());
    }
    assert_eq!(ids(&found, "event", "eventId"), logged);
    let text = format!("{found:?}");
    for secret in ["the-secret", "whsec_", &own.api_key, &other.session, &other.message] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn an_export_has_what_its_caller_may_read_and_no_more() {
    let gateway = Gateway::start().await;
    gateway.begin_a_day();
    let own = Objects::of(&gateway, "own").await;
    let account = wharf_core::account::find_or_create(&gateway.services, "own", "enterprise").await.unwrap();
    let export = |key: &str| lines(gateway.ask("GET", "/v1/account/export").key(key));

    let narrow = gateway.make_key_of(account.clone(), &[Permission::AccountRead], None, None).await;
    let found = export(&narrow).await;
    assert_eq!(sorts(&found), ["export", "account", "usage", "end"]);
    assert!(is_whole(&found));
    let some = [Permission::AccountRead, Permission::ContactsRead, Permission::EventsRead];
    let some = gateway.make_key_of(account.clone(), &some, None, None).await;
    assert_eq!(sorts(&export(&some).await), ["export", "account", "usage", "contact", "event", "end"]);

    let only = wharf_api::ids::SessionId::parse(&own.unlinked).unwrap();
    let bound = gateway.make_key_of(account.clone(), Permission::ALL, None, Some(vec![only])).await;
    let found = export(&bound).await;
    assert_eq!(ids(&found, "session", "sessionId"), [own.unlinked.as_str()]);
    assert!(ids(&found, "message", "messageId").is_empty() && !format!("{found:?}").contains(&own.session), "{found:?}");

    let operator = gateway.make_operator_key().await;
    let path = format!("/v1/admin/accounts/{account}/export");
    let all = lines(gateway.ask("GET", &path).key(&operator)).await;
    let own_lines = export(&own.api_key).await;
    assert_eq!((sorts(&all), &all[1..]), (sorts(&own_lines), &own_lines[1..]), "all but the moment of its making");
    let nobody = "/v1/admin/accounts/acc_00000000000000000000000000000000/export";
    gateway.ask("GET", nobody).key(&operator).send().await.refused(ErrorCode::ResourceNotFound);
}
