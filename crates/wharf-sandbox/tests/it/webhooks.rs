//! Webhooks, end to end: what happens in WhatsApp reaches a server of the customer, signed, as often as it takes.

use std::time::Duration;

use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::harness::{Api, Backend, ECHO, Got, Hook, Mode, OWNER, World, assert_includes, both_backends, eventually};

/// Pauses that a test can wait for.
const FAST: (&str, &str) = ("WHARF_WEBHOOK_RETRY_PAUSES_SECS", "0.05,0.05,0.05,0.05,0.05,0.05,0.05,0.05,0.05");
const CALM: (&str, &str) = ("WHARF_WEBHOOK_OVERLOAD_PAUSE_SECS", "0.05");

async fn create(api: &Api, url: &str, events: Value) -> (String, String) {
    let created = api.post("/v1/webhooks", &json!({"url": url, "events": events})).await;
    let id = created.ok(201)["webhookId"].as_str().unwrap().to_owned();
    (id, created.data()["secret"].as_str().unwrap().to_owned())
}

/// Waits until something came to `path` that the test looks for.
async fn until_got(hook: &Hook, path: &str, what: impl Fn(&Got) -> bool) -> Got {
    eventually("a delivery arrives", async || {
        let got = hook.got(path);
        got.iter().find(|got| what(got)).cloned().ok_or_else(|| format!("{:?}", got.iter().map(Got::kind).collect::<Vec<_>>()))
    })
    .await
}

async fn deliveries(api: &Api, webhook: &str, query: &str) -> Vec<Value> {
    api.get(&format!("/v1/webhooks/{webhook}/deliveries?limit=200{query}")).await.ok(200).as_array().unwrap().clone()
}

/// A session whose events exist without a phone: it shows QR codes.
async fn session(api: &Api) -> String {
    api.post("/v1/sessions", &json!({"name": "test"})).await.ok(201)["sessionId"].as_str().unwrap().to_owned()
}

both_backends! {
    async fn what_happens_arrives_signed_in_order_and_stands_in_the_log(backend) {
        let world = World::start(backend).await;
        let (api, hook) = (world.api(), Hook::start().await);
        let headers = json!({"X-Shop": "one", "Authorization": "Bearer of-the-customer"});
        let body = json!({"url": hook.url("/all"), "events": ["*"], "headers": headers, "description": "all of it", "timeoutSeconds": 7});
        let created = api.post("/v1/webhooks", &body).await;
        let (webhook, secret) = (created.ok(201)["webhookId"].as_str().unwrap(), created.data()["secret"].as_str().unwrap());
        assert!(secret.starts_with("whsec_"));
        assert_eq!((&created.data()["headerNames"], &created.data()["timeoutSeconds"]), (&json!(["Authorization", "X-Shop"]), &json!(7)));
        let tests = hook.tests("/all");
        assert_eq!(tests.len(), 1);
        assert!(tests[0].verifies(secret) && !tests[0].verifies("whsec_AAAA"));
        let shown = api.get(&format!("/v1/webhooks/{webhook}")).await;
        assert!(shown.ok(200).get("secret").is_none() && !shown.json.to_string().contains("of-the-customer"), "{shown:?}");

        let (only_sent, _) = create(&api, &hook.url("/sent"), json!(["message.sent"])).await;
        let session = world.pair(OWNER).await;
        let sent = world.send(&session, ECHO, "hello").await;
        let id = sent.ok(201)["messageId"].as_str().unwrap().to_owned();
        until_got(&hook, "/all", |got| got.kind() == "message.received").await;
        let sent = until_got(&hook, "/sent", |got| got.kind() == "message.sent").await;
        assert_eq!(sent.event()["data"]["messageId"], json!(id));

        let log = api.steps().await;
        eventually("all of the log arrives", async || {
            (hook.got("/all").len() >= log.len()).then_some(()).ok_or(format!("{} of {}", hook.got("/all").len(), log.len()))
        })
        .await;
        let got = hook.got("/all");
        assert!(got.iter().all(|got| got.verifies(secret)));
        assert!(got.iter().all(|got| got.headers["x-shop"] == "one" && got.headers["authorization"] == "Bearer of-the-customer"));
        let arrived: Vec<Value> = got.iter().map(Got::event).collect();
        assert_eq!(arrived[..log.len()], log, "what arrives is what stands in the log, in its order");
        assert!(got.iter().zip(&arrived).all(|(got, event)| event["eventId"] == got.id()));

        let listed = eventually("the log of deliveries is complete", async || {
            let listed = deliveries(&api, webhook, "&status=delivered").await;
            if listed.len() >= log.len() { Ok(listed) } else { Err(format!("{listed:?}")) }
        })
        .await;
        let oldest = listed.last().unwrap();
        assert_eq!(oldest["eventId"], log[0]["eventId"]);
        assert_eq!((&oldest["attempts"][0]["httpStatus"], &oldest["attempts"][0]["answer"]), (&json!(204), &Value::Null));
        assert!(deliveries(&api, &only_sent, "").await.iter().all(|delivery| delivery["event"] == "message.sent"));
    }

    async fn a_server_that_fails_gets_it_again_under_the_same_id_and_every_try_is_written_down(backend) {
        let world = World::start_with(backend, &[FAST, CALM]).await;
        let (api, hook) = (world.api(), Hook::start().await);
        let (webhook, secret) = create(&api, &hook.url("/x"), json!(["session.qr"])).await;
        let answers = std::sync::Mutex::new(vec![
            Mode::Answer(200),
            Mode::With(429, "retry-after", "0".to_owned()),
            Mode::With(302, "location", hook.url("/elsewhere")),
            Mode::Answer(500),
        ]);
        hook.judge(move |_| answers.lock().unwrap().pop().unwrap_or(Mode::Answer(200)));
        session(&api).await;
        until_got(&hook, "/x", |got| got.status == 200).await;
        let got = hook.got("/x");
        assert_eq!(got.iter().map(|got| got.status).collect::<Vec<_>>(), [500, 302, 429, 200]);
        assert!(got.iter().all(|tried| tried.id() == got[0].id() && tried.body == got[0].body && tried.verifies(&secret)));
        assert!(hook.got("/elsewhere").is_empty(), "a redirect is not followed");
        let delivery = eventually("the delivery is done", async || {
            let delivery = deliveries(&api, &webhook, "").await[0].clone();
            if delivery["status"] == "delivered" { Ok(delivery) } else { Err(delivery.to_string()) }
        })
        .await;
        let statuses: Vec<_> = delivery["attempts"].as_array().unwrap().iter().map(|attempt| attempt["httpStatus"].clone()).collect();
        assert_eq!(statuses, [500, 302, 429, 200]);
        assert_eq!(delivery["attempts"][0]["answer"], "so it is");
        let hooks = api.get(&format!("/v1/webhooks/{webhook}")).await;
        assert!(hooks.ok(200).get("failingSince").is_none(), "{hooks:?}");
    }

    async fn a_server_that_is_gone_or_fails_for_too_long_is_switched_off_and_gets_the_rest_when_it_is_back(backend) {
        // Three tries in all, and a tenth of a second of failures is enough.
        let env = [("WHARF_WEBHOOK_RETRY_PAUSES_SECS", "0.08,0.08"), ("WHARF_WEBHOOK_GIVE_UP_HOURS", "0.0000278"), CALM];
        let world = World::start_with(backend, &env).await;
        let (api, hook) = (world.api(), Hook::start().await);
        let (watcher, _) = create(&api, &hook.url("/watch"), json!(["webhook.disabled"])).await;
        let (gone, _) = create(&api, &hook.url("/gone"), json!(["session.qr"])).await;
        let (failing, _) = create(&api, &hook.url("/failing"), json!(["session.qr"])).await;
        hook.set("/gone", Mode::Answer(410));
        hook.set("/failing", Mode::Answer(500));
        let since = api.get(&format!("/v1/webhooks/{gone}")).await.ok(200)["createdAt"].clone();
        session(&api).await;
        for (webhook, reason) in [(&gone, "gone"), (&failing, "failing")] {
            eventually("it is switched off", async || {
                let shown = api.get(&format!("/v1/webhooks/{webhook}")).await.ok(200).clone();
                (shown["enabled"] == false && shown["disabledReason"] == reason).then_some(()).ok_or(shown.to_string())
            })
            .await;
            let told = until_got(&hook, "/watch", |got| got.event()["data"]["webhookId"] == json!(webhook)).await;
            assert_eq!((&told.event()["data"]["reason"], &told.event()["sessionId"]), (&json!(reason), &Value::Null));
        }
        assert_eq!(hook.got("/gone").len(), 1);
        assert_eq!(api.get(&format!("/v1/webhooks/{watcher}")).await.ok(200)["enabled"], true);
        // What happens while it is off is not even queued; the recovery finds it in the log.
        session(&api).await;
        api.post(&format!("/v1/webhooks/{gone}/recover"), &json!({"since": since})).await.refused(ErrorCode::Conflict);
        for (webhook, path) in [(&gone, "/gone"), (&failing, "/failing")] {
            hook.set(path, Mode::Answer(200));
            let on = api.patch(&format!("/v1/webhooks/{webhook}"), &json!({"enabled": true})).await;
            assert!(on.ok(200).get("disabledReason").is_none());
            api.post(&format!("/v1/webhooks/{webhook}/recover"), &json!({"since": since})).await.ok(200);
            eventually("both sessions' codes arrive", async || {
                let ids: std::collections::BTreeSet<_> =
                    hook.got(path).iter().filter(|got| got.status == 200).map(|got| got.event()["sessionId"].to_string()).collect();
                (ids.len() == 2).then_some(()).ok_or(format!("{ids:?}"))
            })
            .await;
        }
        let again = api.post(&format!("/v1/webhooks/{gone}/recover"), &json!({"since": since})).await;
        let pending = deliveries(&api, &gone, "&status=pending").await.len() as u64;
        assert!(again.ok(200)["deliveries"].as_u64().unwrap() <= pending + 2, "what was delivered is not recovered: {again:?}");

        let delivered = deliveries(&api, &gone, "&status=delivered").await[0].clone();
        let count = || hook.got("/gone").iter().filter(|got| delivered["eventId"] == got.id()).count();
        let before = count();
        let path = format!("/v1/webhooks/{gone}/deliveries/{}/retry", delivered["deliveryId"].as_str().unwrap());
        api.post(&path, &json!({})).await.ok(200);
        eventually("one event comes once more", async || (count() > before).then_some(()).ok_or(String::new())).await;
    }

    async fn a_gateway_that_was_killed_delivers_what_it_owes(backend) {
        let mut world = World::start_with(backend, &[FAST, CALM]).await;
        let hook = Hook::start().await;
        create(&world.api(), &hook.url("/x"), json!(["session.qr"])).await;
        hook.set("/x", Mode::Answer(503));
        session(&world.api()).await;
        let first = until_got(&hook, "/x", |_| true).await;
        world.kill_gateway().await;
        hook.set("/x", Mode::Answer(200));
        world.start_gateway(&[FAST, CALM]).await;
        until_got(&hook, "/x", |got| got.id() == first.id() && got.status == 200).await;
    }

    async fn a_delivery_whose_event_cannot_be_read_is_given_up_and_what_is_behind_it_arrives(backend) {
        let slowly = ("WHARF_WEBHOOK_RETRY_PAUSES_SECS", "1,1,1,1,1,1,1,1,1");
        let mut world = World::start_with(backend, &[slowly, CALM]).await;
        let hook = Hook::start().await;
        let (webhook, _) = create(&world.api(), &hook.url("/x"), json!(["session.qr"])).await;
        hook.set("/x", Mode::Answer(503));
        session(&world.api()).await;
        let damaged = until_got(&hook, "/x", |_| true).await;
        world.kill_gateway().await;
        // There is one session. SQLite has no ids of events.
        let sequence = damaged.event()["sequence"].as_i64().unwrap();
        world.sql(&format!("UPDATE events SET data = '{{' WHERE kind = 'session.qr' AND sequence = {sequence}")).await;
        hook.set("/x", Mode::Answer(200));
        world.start_gateway(&[slowly, CALM]).await;
        let api = world.api();
        let given_up = eventually("its delivery is given up", async || {
            let failed = deliveries(&api, &webhook, "&status=failed").await;
            failed.iter().find(|delivery| delivery["eventId"] == damaged.id()).cloned().ok_or_else(|| format!("{failed:?}"))
        })
        .await;
        let last = given_up["attempts"].as_array().unwrap().last().unwrap();
        assert_eq!((&last["reason"], last.get("httpStatus")), (&json!("unreadable"), None), "{given_up}");
        session(&api).await;
        until_got(&hook, "/x", |got| got.id() != damaged.id() && got.status == 200).await;
        assert!(hook.got("/x").iter().all(|got| got.id() != damaged.id() || got.status == 503), "half an event is none");
        assert!(world.log().contains("an event cannot be read: its delivery is given up"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_does_not_take_the_test_is_refused_for_its_true_cause() {
    let world = World::start(Backend::Sqlite).await;
    let (api, hook) = (world.api(), Hook::start().await);
    hook.set("/500", Mode::Answer(500));
    hook.set("/302", Mode::With(302, "location", hook.url("/ok")));
    hook.set("/silent", Mode::Silence);
    // A port that is taken, so that nobody else gets it, and listened on by nobody.
    let taken = tokio::net::TcpSocket::new_v4().unwrap();
    taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let nobody = format!("http://{}/", taken.local_addr().unwrap());
    let user = hook.url("/ok").replace("http://", "http://user@");
    let long = hook.url(&format!("/{}", "x".repeat(2048)));
    let bad: &[(&str, ErrorCode)] = &[
        ("", ErrorCode::InvalidWebhookUrl),
        ("no url", ErrorCode::InvalidWebhookUrl),
        ("ftp://127.0.0.1/", ErrorCode::InvalidWebhookUrl),
        ("http://10.0.0.1/", ErrorCode::InvalidWebhookUrl),
        ("https://169.254.169.254/latest", ErrorCode::InvalidWebhookUrl),
        (&user, ErrorCode::InvalidWebhookUrl),
        (&long, ErrorCode::InvalidWebhookUrl),
        (&nobody, ErrorCode::WebhookUrlUnreachable),
        (&hook.url("/500"), ErrorCode::WebhookUrlUnreachable),
        (&hook.url("/302"), ErrorCode::WebhookUrlUnreachable),
        (&hook.url("/silent"), ErrorCode::WebhookResponseTimeout),
    ];
    let (webhook, _) = create(&api, &hook.url("/ok"), json!(["*"])).await;
    for (url, code) in bad {
        let refused = api.post("/v1/webhooks", &json!({"url": url, "events": ["*"]})).await;
        let details = refused.refused(*code);
        assert_eq!(details["field"], "url", "{url}");
        assert!(!details.to_string().contains("so it is"), "the answer of the other side is not shown");
    }
    for (url, code) in [("http://10.0.0.1/", ErrorCode::InvalidWebhookUrl), (&nobody, ErrorCode::WebhookUrlUnreachable)] {
        api.patch(&format!("/v1/webhooks/{webhook}"), &json!({"url": url})).await.refused(code);
    }
    let events = api.post("/v1/webhooks", &json!({"url": hook.url("/ok"), "events": ["message.read", "message.reed"]})).await;
    let details = events.refused(ErrorCode::InvalidWebhookEvent);
    assert_eq!(details["field"], "events[1]");
    assert!(details["reason"].as_str().unwrap().contains("message.reed"));
    api.patch(&format!("/v1/webhooks/{webhook}"), &json!({"events": ["x"]})).await.refused(ErrorCode::InvalidWebhookEvent);
    for (member, value) in [("timeoutSeconds", json!(31)), ("headers", json!({"Webhook-Id": "x"})), ("description", json!("x".repeat(201)))]
    {
        let mut body = json!({"url": hook.url("/ok"), "events": ["*"]});
        body[member] = value;
        api.post("/v1/webhooks", &body).await.refused(ErrorCode::InvalidRequest);
    }
    let nowhere = json!({"url": hook.url("/ok"), "events": ["*"], "sessionId": "ses_00000000000000000000000000000000"});
    api.post("/v1/webhooks", &nowhere).await.refused(ErrorCode::SessionNotFound);
    let all = api.get("/v1/webhooks").await;
    assert_eq!(all.ok(200).as_array().unwrap().len(), 1, "nothing was made on the way");

    hook.set("/ok", Mode::Answer(500));
    api.post(&format!("/v1/webhooks/{webhook}/test"), &json!({})).await.refused(ErrorCode::WebhookUrlUnreachable);
    hook.set("/ok", Mode::Silence);
    api.post(&format!("/v1/webhooks/{webhook}/test"), &json!({})).await.refused(ErrorCode::WebhookResponseTimeout);
    hook.set("/ok", Mode::Answer(202));
    let tested = api.post(&format!("/v1/webhooks/{webhook}/test"), &json!({})).await;
    assert_eq!(tested.ok(200)["httpStatus"], 202);
    assert_eq!(tested.data()["eventId"], hook.tests("/ok").last().unwrap().id());

    api.delete(&format!("/v1/webhooks/{webhook}")).await.ok(200);
    for path in ["", "/deliveries"] {
        api.get(&format!("/v1/webhooks/{webhook}{path}")).await.refused(ErrorCode::ResourceNotFound);
    }
    let nothing = "dlv_00000000000000000000000000000000";
    for path in ["/test", "/rotate-secret", &format!("/deliveries/{nothing}/retry")] {
        api.post(&format!("/v1/webhooks/{webhook}{path}"), &json!({})).await.refused(ErrorCode::ResourceNotFound);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_secret_signs_beside_the_new_one_for_as_long_as_was_asked() {
    let world = World::start(Backend::Sqlite).await;
    let (api, hook) = (world.api(), Hook::start().await);
    let (webhook, old) = create(&api, &hook.url("/x"), json!(["*"])).await;
    let rotate = async |body: Value| {
        let rotated = api.post(&format!("/v1/webhooks/{webhook}/rotate-secret"), &body).await;
        (rotated.ok(200)["secret"].as_str().unwrap().to_owned(), rotated.data().get("oldSecretUntil").is_some())
    };
    let (new, overlaps) = rotate(json!({})).await;
    assert!(overlaps && new != old);
    let test = async || {
        api.post(&format!("/v1/webhooks/{webhook}/test"), &json!({})).await.ok(200);
        hook.tests("/x").last().unwrap().clone()
    };
    let both = test().await;
    assert!(both.verifies(&old) && both.verifies(&new));
    assert_eq!(both.headers["webhook-signature"].to_str().unwrap().split(' ').count(), 2);
    let (last, overlaps) = rotate(json!({"overlapSeconds": 0})).await;
    assert!(!overlaps);
    let one = test().await;
    assert!(one.verifies(&last) && !one.verifies(&new) && !one.verifies(&old));
    api.post(&format!("/v1/webhooks/{webhook}/rotate-secret"), &json!({"overlapSeconds": 604_801}))
        .await
        .refused(ErrorCode::InvalidRequest);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_to_a_webhook_while_its_new_address_takes_the_test_stays() {
    let world = World::start(Backend::Sqlite).await;
    let (api, hook) = (world.api(), Hook::start().await);
    let (webhook, _) = create(&api, &hook.url("/x"), json!(["*"])).await;
    let path = format!("/v1/webhooks/{webhook}");
    hook.set("/slow", Mode::Silence);
    let (url, body) = (hook.url("/slow"), json!({"description": "moved"}));
    let moved = async { api.patch(&path, &json!({"url": url, "description": "moved"})).await };
    let meanwhile = async {
        eventually("the new address is tested", async || hook.tests("/slow").first().map(drop).ok_or("no test".to_owned())).await;
        let rotated = api.post(&format!("{path}/rotate-secret"), &json!({})).await;
        api.patch(&path, &json!({"timeoutSeconds": 9})).await.ok(200);
        hook.set("/slow", Mode::Answer(204));
        hook.release();
        rotated.ok(200)["secret"].as_str().unwrap().to_owned()
    };
    let (moved, secret) = tokio::join!(moved, meanwhile);
    assert_includes(moved.ok(200), &body);
    let shown = api.get(&path).await;
    assert_includes(shown.ok(200), &json!({"url": url, "description": "moved", "timeoutSeconds": 9}));
    api.post(&format!("{path}/test"), &json!({})).await.ok(200);
    assert!(hook.tests("/slow").last().unwrap().verifies(&secret));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_takes_its_webhooks_along() {
    let world = World::start(Backend::Sqlite).await;
    let (api, hook) = (world.api(), Hook::start().await);
    let (kept, _) = create(&api, &hook.url("/kept"), json!(["*"])).await;
    let made = api.post("/v1/sessions", &json!({"name": "hooked", "webhook": hook.url("/own")})).await;
    let session = made.ok(201)["sessionId"].as_str().unwrap().to_owned();
    api.post("/v1/webhooks", &json!({"url": hook.url("/more"), "events": ["*"], "sessionId": session})).await.ok(201);
    let listed = async || api.get("/v1/webhooks").await.ok(200).as_array().unwrap().clone();
    assert_eq!(listed().await.len(), 3);
    // The account's limit counts these too, and a session that would go past it is not made.
    let another = json!({"url": hook.url("/more"), "events": ["*"], "sessionId": session});
    futures::future::join_all((3..100).map(|_| async { api.post("/v1/webhooks", &another).await.ok(201).clone() })).await;
    let refused = api.post("/v1/sessions", &json!({"name": "no", "webhook": hook.url("/own")})).await;
    let details = refused.refused(ErrorCode::InvalidRequest);
    assert_eq!((&details["field"], &details["limit"], &details["actual"]), (&json!("webhook"), &json!(100), &json!(100)));
    assert_eq!(api.get("/v1/sessions").await.ok(200).as_array().unwrap().len(), 1);
    api.delete(&format!("/v1/sessions/{session}")).await.ok(200);
    assert_eq!(listed().await.iter().map(|row| row["webhookId"].as_str().unwrap()).collect::<Vec<_>>(), [kept]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_touches_the_webhooks_of_others_and_a_bound_key_only_those_of_its_sessions() {
    let world = World::start(Backend::Sqlite).await;
    let (api, hook) = (world.api(), Hook::start().await);
    let (mine, other) = (session(&api).await, session(&api).await);
    let (wide, _) = create(&api, &hook.url("/wide"), json!(["*"])).await;
    let of = |session: &str| json!({"url": hook.url("/one"), "events": ["*"], "sessionId": session});
    let foreign = api.post("/v1/webhooks", &of(&other)).await.ok(201)["webhookId"].as_str().unwrap().to_owned();
    let key = json!({"name": "bound", "permissions": ["webhooks:manage"], "sessionIds": [mine]});
    let bound = api.with_key(api.post("/v1/api-keys", &key).await.ok(201)["apiKey"].as_str().unwrap());
    bound.post("/v1/webhooks", &json!({"url": hook.url("/x"), "events": ["*"]})).await.refused(ErrorCode::InsufficientPermissions);
    bound.post("/v1/webhooks", &of(&other)).await.refused(ErrorCode::SessionNotFound);
    let own = bound.post("/v1/webhooks", &of(&mine)).await.ok(201)["webhookId"].clone();
    assert_eq!(bound.get("/v1/webhooks").await.ok(200).as_array().unwrap().iter().map(|row| &row["webhookId"]).collect::<Vec<_>>(), [&own]);
    // Those that it may not see stand before its own, and make its page no shorter.
    let first = bound.get("/v1/webhooks?limit=1").await;
    assert_eq!(first.ok(200).as_array().unwrap().iter().map(|row| &row["webhookId"]).collect::<Vec<_>>(), [&own]);
    for webhook in [&wide, &foreign] {
        bound.get(&format!("/v1/webhooks/{webhook}")).await.refused(ErrorCode::ResourceNotFound);
        bound.delete(&format!("/v1/webhooks/{webhook}")).await.refused(ErrorCode::ResourceNotFound);
    }
    let limits = json!({"callsPerMinute": 1000, "concurrentRequests": 10});
    let (stranger, _) = world.tenant("strangers", &limits).await;
    let missing = stranger.get("/v1/webhooks/whk_00000000000000000000000000000000").await;
    let theirs = stranger.get(&format!("/v1/webhooks/{wide}")).await;
    assert_eq!((theirs.status, &theirs.json), (missing.status, &missing.json));
    let key = json!({"name": "reader", "permissions": ["events:read"]});
    let reader = api.with_key(api.post("/v1/api-keys", &key).await.ok(201)["apiKey"].as_str().unwrap());
    reader.get("/v1/webhooks").await.refused(ErrorCode::InsufficientPermissions);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_stands_in_the_database() {
    let mut world = World::start(Backend::Sqlite).await;
    let (api, hook) = (world.api(), Hook::start().await);
    let body = json!({"url": hook.url("/x"), "events": ["*"], "headers": {"X-Token": "a-token-of-the-customer"}});
    let created = api.post("/v1/webhooks", &body).await;
    let secret = created.ok(201)["secret"].as_str().unwrap().to_owned();
    session(&api).await;
    until_got(&hook, "/x", |_| true).await;
    world.stop_gateway().await;
    let mut looked = 0;
    for file in std::fs::read_dir(world.dir().join("gateway")).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            for needle in [secret.as_bytes(), &secret.as_bytes()[6..], b"a-token-of-the-customer"] {
                assert!(!bytes.windows(needle.len()).any(|part| part == needle), "{}", path.display());
            }
            looked += 1;
        }
    }
    assert!(looked >= 3);
}

both_backends! {
    async fn a_webhook_whose_secret_does_not_open_shows_that_it_fails_and_goes_on_with_a_new_secret(backend) {
        let world = World::start(backend).await;
        let (api, hook) = (world.api(), Hook::start().await);
        let (webhook, _) = create(&api, &hook.url("/x"), json!(["*"])).await;
        let (well, _) = create(&api, &hook.url("/well"), json!(["*"])).await;
        // What is sealed for another place opens as little as what is sealed by another key.
        let swap = format!("UPDATE webhooks SET secret = (SELECT secret FROM webhooks WHERE id = '{well}') WHERE id = '{webhook}'");
        world.database().execute(&world.dir().join("gateway"), &swap).await;
        session(&api).await;
        until_got(&hook, "/well", |_| true).await;
        let path = format!("/v1/webhooks/{webhook}");
        eventually("its owner sees it", async || {
            let shown = api.get(&path).await;
            shown.ok(200).get("failingSince").map(drop).ok_or_else(|| shown.data().to_string())
        })
        .await;
        assert!(api.get(&format!("/v1/webhooks/{well}")).await.ok(200).get("failingSince").is_none());
        assert!(hook.got("/x").is_empty());
        let rotated = api.post(&format!("{path}/rotate-secret"), &json!({"overlapSeconds": 0})).await;
        let secret = rotated.ok(200)["secret"].as_str().unwrap().to_owned();
        assert!(until_got(&hook, "/x", |_| true).await.verifies(&secret));
        eventually("it fails no longer", async || {
            let shown = api.get(&path).await;
            shown.ok(200).get("failingSince").map_or(Ok(()), |since| Err(since.to_string()))
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_keeps_nobody_else_waiting() {
    let world = World::start(Backend::Sqlite).await;
    let (api, hook) = (world.api(), Hook::start().await);
    for number in 0..30 {
        let hanging = json!({"url": hook.url(&format!("/hangs/{number}")), "events": ["session.qr"], "timeoutSeconds": 30});
        api.post("/v1/webhooks", &hanging).await.ok(201);
        hook.set(&format!("/hangs/{number}"), Mode::Silence);
    }
    create(&api, &hook.url("/well"), json!(["session.qr"])).await;
    let started = tokio::time::Instant::now();
    let new = session(&api).await;
    let got = until_got(&hook, "/well", |got| got.event()["sessionId"] == new.as_str()).await;
    // The others are still within their half a minute: the first of them cannot have ended.
    assert!(got.at.duration_since(started) < Duration::from_secs(30), "it waited for a server that hangs");
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_nobody_can_read_do_not_move_with_a_webhook_to_another_server() {
    let world = World::start(Backend::Sqlite).await;
    let (hook, other, api) = (Hook::start().await, Hook::start().await, world.api());
    let secret = json!({"X-Token": "a-token-of-the-customer"});
    let made = api.post("/v1/webhooks", &json!({"url": hook.url("/x"), "events": ["*"], "headers": secret})).await;
    let path = format!("/v1/webhooks/{}", made.ok(201)["webhookId"].as_str().unwrap());
    let moved = api.patch(&path, &json!({"url": hook.url("/y")})).await;
    assert_eq!(moved.ok(200)["headerNames"], json!(["X-Token"]), "the same server");
    assert_eq!(hook.tests("/y")[0].headers["x-token"], "a-token-of-the-customer");
    let moved = api.patch(&path, &json!({"url": other.url("/x")})).await;
    assert_eq!(moved.ok(200)["headerNames"], json!([]));
    assert!(other.tests("/x").iter().all(|got| !got.headers.contains_key("x-token")) && !other.tests("/x").is_empty());
    let moved = api.patch(&path, &json!({"url": hook.url("/z"), "headers": secret})).await;
    assert_eq!(moved.ok(200)["headerNames"], json!(["X-Token"]));
    assert_eq!(hook.tests("/z")[0].headers["x-token"], "a-token-of-the-customer");
}
