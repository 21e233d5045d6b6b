//! What a send may wish for besides its content: a name of its caller's, an answer at once, or only to know what would happen.

use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::harness::{ABSENT, Api, Backend, OWNER, READER, SILENT, World, assert_includes, both_backends};

/// After a refusal without hope the next try comes within so many seconds.
const A_SLOW_TRY: u64 = 10 * 60;

fn text(session: &str, more: &Value) -> Value {
    let mut body = json!({"sessionId": session, "to": SILENT, "text": "hello"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn found(api: &Api, query: &str) -> Vec<String> {
    let listed = api.get(&format!("/v1/messages?{query}")).await;
    listed.ok(200).as_array().unwrap().iter().map(|row| row["messageId"].as_str().unwrap().to_owned()).collect()
}

both_backends! {
    async fn a_message_bears_its_callers_name_in_answers_events_and_lists_also_when_it_is_deleted(backend) {
        let world = World::start(backend).await;
        let (api, session) = (world.api(), world.pair(OWNER).await);
        let longest = "é".repeat(255);
        let named = api.post("/v1/messages/text", &text(&session, &json!({"reference": "order 1017/b"}))).await;
        let id = named.ok(201)["messageId"].as_str().unwrap().to_owned();
        assert_eq!(named.data()["reference"], "order 1017/b");
        let long = api.post("/v1/messages/text", &text(&session, &json!({"reference": longest}))).await;
        let long = long.ok(201)["messageId"].as_str().unwrap().to_owned();
        let bare = world.send(&session, SILENT, "no name").await;
        assert!(bare.ok(201).get("reference").is_none());
        for (reference, reason) in [(format!("{longest}x"), "255"), ("a\nb".to_owned(), "control"), (String::new(), "leave it out")] {
            let refused = api.post("/v1/messages/text", &text(&session, &json!({"reference": reference}))).await;
            let details = refused.refused(ErrorCode::InvalidRequest);
            assert_eq!(details["field"], "reference");
            assert!(details["reason"].as_str().unwrap().contains(reason), "{details}");
        }
        let place = json!({"sessionId": session, "to": SILENT, "latitude": 1.0, "longitude": 2.0, "reference": "order 1017/b"});
        let place = api.post("/v1/messages/location", &place).await.ok(201)["messageId"].as_str().unwrap().to_owned();
        assert_eq!(found(&api, "reference=order+1017%2Fb").await, [place.clone(), id.clone()]);
        assert_eq!(found(&api, &format!("reference=order+1017%2Fb&sessionId={session}&type=location")).await, [place]);
        assert!(found(&api, "reference=order+1017").await.is_empty(), "the whole name");
        assert_eq!(api.get(&format!("/v1/messages/{long}")).await.ok(200)["reference"], longest);
        world.until_message(&id, "delivered").await;
        let log = api.log().await;
        let told: Vec<_> = log.iter().filter(|event| event["data"]["messageId"] == id.as_str()).collect();
        assert!(told.len() >= 3 && told.iter().all(|event| event["data"]["reference"] == "order 1017/b"), "{told:?}");
        let deleted = api.delete(&format!("/v1/messages/{id}")).await;
        assert_includes(deleted.ok(200), &json!({"type": "deleted", "reference": "order 1017/b"}));
        let reaction = json!({"messageId": long, "emoji": "👍", "reference": "a thumb"});
        assert_eq!(api.post("/v1/messages/reaction", &reaction).await.ok(201)["reference"], "a thumb");
    }

    async fn messages_are_found_by_time_type_words_and_whatsapps_id(backend) {
        let world = World::start(backend).await;
        let (api, session) = (world.api(), world.pair(OWNER).await);
        let mut ids = Vec::new();
        for words in ["Ten % of it, \"now\"", "ten of it", "caption and text"] {
            ids.push(world.send(&session, SILENT, words).await.ok(201)["messageId"].as_str().unwrap().to_owned());
        }
        let poll = json!({"sessionId": session, "to": SILENT, "question": "Ten?", "options": ["yes", "no"]});
        ids.push(api.post("/v1/messages/poll", &poll).await.ok(201)["messageId"].as_str().unwrap().to_owned());
        let own = |places: &[usize]| places.iter().map(|place| ids[*place].clone()).collect::<Vec<_>>();
        assert_eq!(found(&api, "type=poll").await, own(&[3]));
        assert_eq!(found(&api, "type=text").await, own(&[2, 1, 0]));
        assert_eq!(found(&api, "text=Ten").await, own(&[3, 0]), "letter case included");
        assert_eq!(found(&api, "text=ten").await, own(&[1]));
        assert_eq!(found(&api, "text=%25+of+it%2C+%22now%22").await, own(&[0]), "as it was written, whatever signs it has");
        assert_eq!(found(&api, "text=selectableCount").await, own(&[]), "words, not names of members");
        let rows = api.get("/v1/messages").await.ok(200).clone();
        let of = |id: &String, member: &str| {
            let row = rows.as_array().unwrap().iter().find(|row| row["messageId"] == id.as_str()).unwrap();
            row[member].as_str().unwrap().to_owned()
        };
        let third = of(&ids[2], "createdAt");
        let since = found(&api, &format!("since={third}")).await;
        let until = found(&api, &format!("until={third}")).await;
        assert!(since.contains(&ids[2]) && since.contains(&ids[3]) && !until.contains(&ids[2]), "{since:?} {until:?}");
        assert_eq!(since.len() + until.len(), 4, "each is before that moment or not");
        let wire = of(&ids[1], "whatsappId");
        assert_eq!(found(&api, &format!("sessionId={session}&whatsappId={wire}")).await, own(&[1]));
        assert!(found(&api, &format!("sessionId={session}&whatsappId=NONE")).await.is_empty());
        for (query, code, field) in [
            (format!("whatsappId={wire}"), ErrorCode::InvalidRequest, "sessionId"),
            ("type=letter".to_owned(), ErrorCode::InvalidRequest, "type"),
            ("since=yesterday".to_owned(), ErrorCode::InvalidRequest, "since"),
            (format!("text={}", "x".repeat(201)), ErrorCode::InvalidRequest, "text"),
        ] {
            assert_eq!(api.get(&format!("/v1/messages?{query}")).await.refused(code)["field"], field, "{query}");
        }
        let named = async |query: &str| api.get(&format!("/v1/sessions?{query}")).await.ok(200).as_array().unwrap().len();
        let other = api.post("/v1/sessions", &json!({"name": "The Till"})).await.ok(201)["sessionId"].clone();
        assert_eq!((named("name=till").await, named("name=TILL&status=qr").await, named("name=tills").await), (1, 1, 0));
        assert_eq!((named("status=connected").await, named("status=qr&limit=1").await), (1, 1));
        let shown = api.get("/v1/sessions?status=qr").await;
        assert_eq!(shown.ok(200)[0]["sessionId"], other);
        assert_eq!(api.get("/v1/sessions?status=asleep").await.refused(ErrorCode::InvalidRequest)["field"], "status");
    }

    async fn a_send_to_a_session_on_its_way_is_taken_where_it_need_not_go_at_once_and_goes_once(backend) {
        let world = World::start(backend).await;
        let (api, session) = (world.api(), world.pair(OWNER).await);
        world.send(&session, SILENT, "before").await.ok(201);
        world.rule(json!({"action": "refuse_login", "phone": OWNER, "code": 409})).await;
        world.rule(json!({"action": "drop_socket", "phone": OWNER})).await;
        world.until_status(&session, "reconnecting").await;
        let plain = world.send(&session, SILENT, "plain").await;
        assert!(plain.refused(ErrorCode::SessionNotConnected)["reason"].as_str().unwrap().contains("reconnecting"), "{plain:?}");
        let waits = api.post("/v1/messages/text", &text(&session, &json!({"async": true, "text": "waits"}))).await;
        assert_eq!(waits.ok(201)["status"], "queued");
        let dry = api.post("/v1/messages/text", &text(&session, &json!({"async": true, "dryRun": true}))).await;
        assert_eq!(dry.ok(200)["status"], "queued");
        world.no_rules().await;
        world.advance(A_SLOW_TRY).await;
        world.until_message(waits.data()["messageId"].as_str().unwrap(), "delivered").await;
        let shown: Vec<_> = world.ledger(SILENT).await.iter().map(|entry| entry["text"].clone()).collect();
        assert_eq!(shown, [json!("before"), json!("waits")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_a_send_would_do_and_nobody_gets_or_counts_anything() {
    let world = World::start(Backend::Sqlite).await;
    let (api, session) = (world.api(), world.pair(OWNER).await);
    let sent = world.send(&session, READER, "hello").await.ok(201)["messageId"].clone();
    // Nothing more is told of it then.
    world.until_message(sent.as_str().unwrap(), "read").await;
    let before = (api.log().await.len(), api.get("/v1/usage").await.ok(200)["today"]["messages"].clone());
    let dry = |path: &str, more: Value| {
        let mut body = json!({"sessionId": session, "to": SILENT, "dryRun": true, "reference": "r"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let path = format!("/v1/messages/{path}");
        let api = api.clone();
        async move { api.post(&path, &body).await }
    };
    let png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    for (path, more, kind) in [
        ("text", json!({"text": "hello"}), "text"),
        ("location", json!({"latitude": 1.0, "longitude": 2.0}), "location"),
        ("contact", json!({"contacts": [{"name": "Ada", "phoneNumbers": ["+1 555 000 1002"]}]}), "contact"),
        ("poll", json!({"question": "When?", "options": ["now", "later"]}), "poll"),
        ("media", json!({"mediaType": "image", "data": png}), "image"),
    ] {
        let told = dry(path, more).await;
        let expected = json!({"dryRun": true, "sessionId": session, "type": kind, "status": "sent", "reference": "r"});
        assert_includes(told.ok(200), &expected);
        assert_eq!((&told.data()["chat"]["phoneNumber"], told.data().get("messageId")), (&json!(SILENT), None), "{told:?}");
    }
    let reaction = api.post("/v1/messages/reaction", &json!({"messageId": sent, "emoji": "👍", "dryRun": true})).await;
    assert_includes(reaction.ok(200), &json!({"dryRun": true, "type": "reaction"}));
    let forward = api.post(&format!("/v1/messages/{}/forward", sent.as_str().unwrap()), &json!({"to": SILENT, "dryRun": true})).await;
    assert_includes(forward.ok(200), &json!({"dryRun": true, "type": "text"}));
    // What a send refuses it refuses too.
    dry("text", json!({"text": ""})).await.refused(ErrorCode::InvalidRequest);
    dry("text", json!({"text": "x", "to": ABSENT})).await.refused(ErrorCode::RecipientNotOnWhatsapp);
    dry("media", json!({"mediaType": "video", "data": png})).await.refused(ErrorCode::InvalidMediaType);
    // A key is not used up by it.
    let body = text(&session, &json!({"dryRun": true}));
    let asked = crate::harness::api::read(api.request("POST", "/v1/messages/text").header("Idempotency-Key", "k").json(&body)).await;
    asked.ok(200);
    assert_eq!((api.log().await.len(), api.get("/v1/usage").await.ok(200)["today"]["messages"].clone()), before);
    assert!(world.ledger(SILENT).await.is_empty());
    let body = text(&session, &json!({}));
    crate::harness::api::read(api.request("POST", "/v1/messages/text").header("Idempotency-Key", "k").json(&body)).await.ok(201);
    // What would hold a message back is told.
    let paused = world.operator().put("/v1/admin/whatsapp/switches", &json!({"sendingPaused": true})).await;
    paused.ok(200);
    assert_includes(dry("text", json!({"text": "x"})).await.ok(200), &json!({"status": "queued", "heldReason": "pause"}));
}
