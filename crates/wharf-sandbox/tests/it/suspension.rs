//! A suspended account: nobody acts in it and its sessions rest, whatever restarts, and all of it goes on when that is lifted.

use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::deletion::linked;
use crate::fleet::{at_once, until};
use crate::fleet_places::loads;
use crate::harness::api::read;
use crate::harness::nats::Fleet;
use crate::harness::{Api, OWNER, PATIENCE, SILENT, World, both_backends, eventually};

const OTHER: &str = "15550000002";

fn roomy() -> Value {
    json!({"callsPerMinute": 10_000, "concurrentRequests": 100})
}

fn path(account: &str) -> String {
    format!("/v1/admin/accounts/{account}")
}

async fn suspend(operator: &Api, account: &str) -> Value {
    let shown = operator.post(&format!("{}/suspend", path(account)), &json!({})).await.ok(200).clone();
    assert_eq!(shown["status"], "suspended");
    shown
}

async fn resume(operator: &Api, account: &str) -> Value {
    let shown = operator.post(&format!("{}/resume", path(account)), &json!({})).await.ok(200).clone();
    assert_eq!((&shown["status"], shown.get("suspendedAt")), (&json!("active"), None));
    shown
}

async fn pause(world: &World, paused: bool) {
    world.operator().put("/v1/admin/whatsapp/switches", &json!({"sendingPaused": paused})).await.ok(200);
}

/// Waits until so many companions hold a socket.
async fn until_sockets(world: &World, count: u64) {
    eventually(&format!("{count} sockets are open"), async || {
        let open = world.control().get("/control/stats").await.data()["connected"].as_u64().unwrap();
        (open == count).then_some(()).ok_or(format!("{open}"))
    })
    .await;
}

/// How many devices the phone has linked.
async fn devices(world: &World, phone: &str) -> usize {
    world.control().get(&format!("/control/phones/{phone}")).await.ok(200)["devices"].as_array().unwrap().len()
}

/// How often the phone shows the text.
async fn shown(world: &World, text: &str) -> usize {
    world.ledger(SILENT).await.iter().filter(|entry| entry["text"] == text).count()
}

async fn until_shown(world: &World, text: &str) {
    eventually(&format!("{text} is shown"), async || match shown(world, text).await {
        0 => Err("not yet".to_owned()),
        1 => Ok(()),
        more => panic!("{text} is shown {more} times"),
    })
    .await;
}

both_backends! {
    async fn everybody_of_a_suspended_account_is_refused_at_once_and_answered_again_once_that_is_lifted(backend) {
        let world = World::start(backend).await;
        let (api, account) = world.tenant("late", &roomy()).await;
        let session = linked(&world, &api, OWNER).await;
        let anybody = api.with_key("");
        let sign_in = json!({"name": "late-ada", "password": "a long and quiet password"});
        api.post("/v1/users", &json!({"name": "late-ada", "password": "a long and quiet password", "role": "owner"})).await.ok(201);
        let signed_in = anybody.post("/v1/login", &sign_in).await;
        signed_in.ok(201);
        let cookie = signed_in.header("set-cookie").split(';').next().unwrap().to_owned();
        let by_cookie = async || read(anybody.request("GET", "/v1/account").header("cookie", &cookie)).await;
        by_cookie().await.ok(200);
        let made = api.post("/v1/events/tokens", &json!({"sessionId": session})).await;
        let by_token = format!("/v1/events?token={}", made.ok(200)["token"].as_str().unwrap());
        let by_token = async || read(anybody.request("GET", &by_token).header("accept", "text/event-stream")).await;
        let mut stream = api.request("GET", "/v1/events").header("accept", "text/event-stream").send().await.unwrap();
        assert!(stream.chunk().await.unwrap().is_some(), "it is open");

        let operator = world.operator();
        let shown = suspend(&operator, &account).await;
        assert!(shown["suspendedAt"].is_string(), "{shown}");
        let text = json!({"sessionId": session, "to": SILENT, "text": "x"});
        for refused in [
            api.get("/v1/account").await,
            api.post("/v1/messages/text", &text).await,
            api.delete(&format!("/v1/sessions/{session}")).await,
            by_cookie().await,
            by_token().await,
            anybody.post("/v1/login", &sign_in).await,
        ] {
            let reason = refused.refused(ErrorCode::InsufficientPermissions)["reason"].as_str().unwrap().to_owned();
            assert!(reason.contains("suspended") && reason.contains("operator"), "{reason}");
        }
        // Whoever only says to be of the account is not told of it.
        let wrong = json!({"name": "late-ada", "password": "not that of ada at all"});
        anybody.post("/v1/login", &wrong).await.refused(ErrorCode::InvalidApiKey);
        let ends = async { while let Ok(Some(_)) = stream.chunk().await {} };
        tokio::time::timeout(PATIENCE, ends).await.expect("the stream ends");

        // An operator works on it as on any other.
        world.advance(60).await;
        assert_eq!(suspend(&operator, &account).await, shown, "it keeps its time");
        assert_eq!(operator.get(&path(&account)).await.ok(200), &shown);
        assert_eq!(operator.get(&format!("{}/export", path(&account))).await.status, 200);
        let changed = operator.patch(&path(&account), &json!({"plan": "pro"})).await;
        assert_eq!((&changed.ok(200)["plan"], &changed.data()["status"]), (&json!("pro"), &json!("suspended")));
        let key = json!({"name": "second", "permissions": ["account:read"]});
        let made = operator.post(&format!("{}/api-keys", path(&account)), &key).await;
        let second = api.with_key(made.ok(201)["apiKey"].as_str().unwrap());
        second.get("/v1/account").await.refused(ErrorCode::InsufficientPermissions);

        let active = resume(&operator, &account).await;
        assert_eq!(resume(&operator, &account).await, active);
        for answered in [api.get("/v1/account").await, second.get("/v1/account").await, by_cookie().await] {
            assert_eq!(answered.ok(200), &active);
        }
        anybody.post("/v1/login", &sign_in).await.ok(201);
        let log = operator.get(&format!("/v1/admin/audit?accountId={account}&limit=200")).await;
        let told: Vec<&Value> = log.ok(200).as_array().unwrap().iter().map(|entry| &entry["action"]).collect();
        for action in ["admin_suspend_account", "admin_resume_account"] {
            assert_eq!(told.iter().filter(|known| known.as_str() == Some(action)).count(), 2, "{action}: {told:?}");
        }
    }

    async fn sessions_of_a_suspended_account_rest_over_a_restart_and_what_waited_arrives_once_when_they_are_back(backend) {
        let mut world = World::start(backend).await;
        let (api, account) = world.tenant("late", &roomy()).await;
        let session = linked(&world, &api, OWNER).await;
        let other = world.pair(OTHER).await;
        pause(&world, true).await;
        let waits = api.post("/v1/messages/text", &json!({"sessionId": session, "to": SILENT, "text": "waits"})).await;
        assert_eq!(waits.ok(201)["status"], "queued");
        let waits = format!("/v1/messages/{}", waits.data()["messageId"].as_str().unwrap());
        suspend(&world.operator(), &account).await;
        until_sockets(&world, 1).await;
        pause(&world, false).await;
        eventually("an operator sees what waits, and that the session is away", async || {
            let queues = world.operator().get("/v1/admin/queues").await;
            let queue = queues.ok(200).as_array().unwrap().iter().find(|queue| queue["sessionId"] == json!(session));
            let rests = queue.is_some_and(|queue| queue["waiting"] == 1 && queue["sessionStatus"] == "reconnecting");
            rests.then_some(()).ok_or(format!("{queues:?}"))
        })
        .await;
        assert_eq!(devices(&world, OWNER).await, 1, "it is still linked");
        world.phone_sends(SILENT, OWNER, "meanwhile").await;

        world.stop_gateway().await;
        world.start_gateway(&[]).await;
        world.until_connected(&other).await;
        world.send(&other, SILENT, "of somebody else").await.ok(201);
        until_shown(&world, "of somebody else").await;
        until_sockets(&world, 1).await;
        let api = Api::new(&world.api().base, &api.key);
        api.get(&waits).await.refused(ErrorCode::InsufficientPermissions);
        assert_eq!(shown(&world, "waits").await, 0);

        resume(&world.operator(), &account).await;
        until(&api, &session, "connected").await;
        until_shown(&world, "waits").await;
        let after = api.post("/v1/messages/text?wait=25", &json!({"sessionId": session, "to": SILENT, "text": "after"})).await;
        assert_eq!(after.ok(201)["status"], "sent");
        until_shown(&world, "after").await;
        assert_eq!((shown(&world, "waits").await, devices(&world, OWNER).await), (1, 1));
        eventually("what was sent is shown as that", async || {
            let found = api.get(&waits).await.ok(200)["status"].clone();
            (found != "queued").then_some(()).ok_or(found.to_string())
        })
        .await;
        eventually("what came in meanwhile is there", async || {
            let found = api.get("/v1/messages?direction=incoming").await;
            let texts: Vec<_> = found.ok(200).as_array().unwrap().iter().map(|message| message["text"].clone()).collect();
            (texts == ["meanwhile"]).then_some(()).ok_or(format!("{texts:?}"))
        })
        .await;
    }

    async fn a_suspended_account_is_deleted_as_any_other_and_its_phone_is_told(backend) {
        let world = World::start(backend).await;
        let (api, account) = world.tenant("late", &roomy()).await;
        linked(&world, &api, OWNER).await;
        let operator = world.operator();
        let own = operator.get("/v1/account").await.ok(200)["accountId"].as_str().unwrap().to_owned();
        operator.post(&format!("{}/suspend", path(&own)), &json!({})).await.refused(ErrorCode::Conflict);
        suspend(&operator, &account).await;
        until_sockets(&world, 0).await;
        assert_eq!(devices(&world, OWNER).await, 1);

        let going = operator.delete(&path(&account)).await;
        assert_eq!((&going.ok(200)["status"], going.data().get("suspendedAt")), (&json!("deleting"), None));
        api.get("/v1/account").await.refused(ErrorCode::InvalidApiKey);
        eventually("its phone has forgotten the device", async || match devices(&world, OWNER).await {
            0 => Ok(()),
            left => Err(format!("{left} are left")),
        })
        .await;
        let nobodys = format!("acc_{}", "0".repeat(32));
        for account in [&account, &nobodys] {
            for verb in ["suspend", "resume"] {
                operator.post(&format!("{}/{verb}", path(account)), &json!({})).await.refused(ErrorCode::ResourceNotFound);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_suspended_on_one_node_is_refused_on_the_next_and_its_session_on_the_third_rests_until_that_is_lifted() {
    let fleet = Fleet::start().await;
    let (first, [second, third]) = (fleet.world.operator(), fleet.others());
    let (api, account) = fleet.world.tenant("late", &roomy()).await;
    let (second, there) = (second.with_key(&api.key), third.with_key(&api.key));
    let session = linked(&fleet.world, &there, OWNER).await;
    second.get("/v1/account").await.ok(200);
    let third = third.with_key(&first.key);
    assert_eq!(loads(&third).await[0], 1, "the node that was asked has it");

    let suspended = async {
        suspend(&first, &account).await;
    };
    at_once(suspended, [&api, &second, &there], "/v1/account", 403).await;
    for node in [&api, &second, &there] {
        node.get("/v1/account").await.refused(ErrorCode::InsufficientPermissions);
    }
    until_sockets(&fleet.world, 0).await;
    assert_eq!(devices(&fleet.world, OWNER).await, 1);
    eventually("no node has it", async || {
        let loads = loads(&third).await;
        loads.iter().all(|sessions| *sessions == 0).then_some(()).ok_or(format!("{loads:?}"))
    })
    .await;

    let operator = second.with_key(&first.key);
    let resumed = async {
        resume(&operator, &account).await;
    };
    at_once(resumed, [&api, &second, &there], "/v1/account", 200).await;
    until(&second, &session, "connected").await;
    until_sockets(&fleet.world, 1).await;
    let text = json!({"sessionId": session, "to": SILENT, "text": "back"});
    second.post("/v1/messages/text?wait=25", &text).await.ok(201);
    until_shown(&fleet.world, "back").await;
    fleet.end().await;
}
