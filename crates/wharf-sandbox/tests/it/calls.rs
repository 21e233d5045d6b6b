//! Calls as a customer hears of them: one event for its beginning and one for its end, whatever else WhatsApp says of it and whenever the
//! process dies.

use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _};

use crate::harness::{Backend, OWNER, READER, SILENT, World, assert_includes, both_backends, eventually};

/// Has a phone call; gives the call's id.
async fn call(world: &World, from: &str, body: Value) -> String {
    let made = world.control().post(&format!("/control/phones/{from}/call"), &body).await;
    made.ok(200)["callId"].as_str().unwrap().to_owned()
}

/// All events of a kind.
async fn events(world: &World, kind: &str) -> Vec<Value> {
    let list = world.api().get(&format!("/v1/events?cursor=oldest&limit=200&events={kind}")).await;
    list.ok(200).as_array().unwrap().clone()
}

/// Waits for the event of that call.
async fn announced(world: &World, id: &str) -> Value {
    eventually("the call is announced", async || {
        let events = events(world, "call.received").await;
        events.iter().find(|event| event["data"]["callId"] == id).map(|event| event["data"].clone()).ok_or(format!("{events:?}"))
    })
    .await
}

both_backends! {
    async fn a_call_is_told_once_with_who_calls_and_how(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let audio = call(&world, SILENT, json!({"to": OWNER, "notices": 3})).await;
        let told = announced(&world, &audio).await;
        assert_includes(&told, &json!({"type": "audio", "missed": false, "groupId": null}));
        let from = json!({"contactId": format!("{SILENT}@s.whatsapp.net"), "phoneNumber": SILENT, "lid": format!("77{SILENT}@lid"), "name": "Silent"});
        assert_eq!(told["from"], from);

        let group = json!({"creator": READER, "subject": "callers", "members": [OWNER]});
        let group = world.control().post("/control/groups", &group).await.ok(200)["id"].as_str().unwrap().to_owned();
        let video = call(&world, READER, json!({"to": group, "video": true, "ringMs": 100})).await;
        let told = announced(&world, &video).await;
        assert_includes(&told, &json!({"type": "video", "missed": false, "groupId": group}));
        assert_eq!(told["from"]["phoneNumber"], READER);

        world.control().post(&format!("/control/phones/{SILENT}/hang-up"), &json!({"callId": audio})).await.ok(200);
        world.api().post(&format!("/v1/contacts/{SILENT}/block"), &json!({"sessionId": session})).await.ok(200);
        call(&world, SILENT, json!({"to": OWNER})).await;
        let later = call(&world, READER, json!({"to": OWNER})).await;
        announced(&world, &later).await;
        let all = events(&world, "call.received").await;
        let ids: Vec<_> = all.iter().map(|event| event["data"]["callId"].as_str().unwrap()).collect();
        assert_eq!(ids, [&audio, &video, &later], "three notices, a time-out, the end of a call and who is blocked make no events of their own");
    }

    async fn how_a_call_ended_is_told_once_under_its_id(backend) {
        let world = World::start(backend).await;
        world.pair(OWNER).await;
        let ringing = json!({"to": OWNER, "ringMs": 600_000});
        let (answered, rejected, given_up) = (call(&world, SILENT, ringing.clone()).await, call(&world, SILENT, ringing.clone()).await, call(&world, SILENT, ringing).await);
        for id in [&answered, &rejected, &given_up] {
            announced(&world, id).await;
        }
        let (take, hang_up) = (format!("/control/phones/{OWNER}/take-call"), format!("/control/phones/{SILENT}/hang-up"));
        world.control().post(&take, &json!({"callId": answered, "accept": true})).await.ok(200);
        world.control().post(&take, &json!({"callId": rejected, "accept": false})).await.ok(200);
        world.control().post(&hang_up, &json!({"callId": given_up})).await.ok(200);
        assert_eq!(world.control().post(&hang_up, &json!({"callId": answered})).await.status, 404, "what is over ends once");
        let in_vain = call(&world, SILENT, json!({"to": OWNER, "ringMs": 10})).await;
        let told = eventually("all ends are told", async || {
            let told = events(&world, "call.ended").await;
            if told.len() == 4 { Ok(told) } else { Err(format!("{told:?}")) }
        })
        .await;
        let wanted = [(&answered, "answered_elsewhere"), (&rejected, "rejected_elsewhere"), (&given_up, "unanswered"), (&in_vain, "unanswered")];
        for (event, (id, outcome)) in told.iter().zip(wanted) {
            assert_includes(&event["data"], &json!({"callId": id, "outcome": outcome}));
            assert_includes(&event["data"]["from"], &json!({"lid": format!("77{SILENT}@lid"), "name": "Silent"}));
        }
    }

    async fn a_call_that_rang_while_the_gateway_was_away_is_told_as_missed(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        world.stop_gateway().await;
        let id = call(&world, SILENT, json!({"to": OWNER, "ringMs": 10})).await;
        world.start_gateway(&[]).await;
        world.until_connected(&session).await;
        let told = announced(&world, &id).await;
        assert_eq!((&told["missed"], &told["type"], &told["from"]["lid"]), (&json!(true), &Value::Null, &json!(format!("77{SILENT}@lid"))));
    }

    async fn hundreds_of_calls_that_waited_are_told_each_once(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        world.stop_gateway().await;
        let mut calls = Vec::new();
        for _ in 0..300 {
            calls.push(call(&world, SILENT, json!({"to": OWNER, "ringMs": 60_000})).await);
        }
        world.start_gateway(&[]).await;
        world.until_connected(&session).await;
        let told = eventually("all calls are told", async || {
            let (mut told, mut after) = (Vec::new(), "oldest".to_owned());
            loop {
                let page = world.api().get(&format!("/v1/events?cursor={after}&limit=200&events=call.received")).await;
                let events = page.ok(200).as_array().unwrap().clone();
                if events.is_empty() {
                    break;
                }
                told.extend(events.iter().map(|event| event["data"]["callId"].as_str().unwrap().to_owned()));
                page.json["page"]["next"].as_str().unwrap().clone_into(&mut after);
            }
            if told.len() >= calls.len() { Ok(told) } else { Err(format!("{} of {}", told.len(), calls.len())) }
        })
        .await;
        assert_eq!(std::collections::BTreeSet::from_iter(&told), calls.iter().collect());
        assert_eq!(told.len(), calls.len());
        // The way is free again.
        let sent = world.send(&session, SILENT, "busy?").await.ok(201)["messageId"].as_str().unwrap().to_owned();
        world.until_message(&sent, "delivered").await;
    }

    async fn killed_around_the_commit_of_a_notice_every_call_and_every_change_of_a_group_is_told_once(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let group = json!({"creator": READER, "subject": "0", "members": [OWNER]});
        let group = world.control().post("/control/groups", &group).await.ok(200)["id"].as_str().unwrap().to_owned();
        let kill_file = world.dir().join("kill");
        let env = [("WHARF_KILL_FILE", kill_file.to_str().unwrap().to_owned())];
        let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        world.stop_gateway().await;
        world.start_gateway(&env).await;
        // The new group is told with its subject.
        let (mut calls, mut subjects) = (Vec::new(), vec!["0".to_owned()]);
        for turn in 0..3 {
            for gap in ["notice-before-commit", "notice-after-commit"] {
                world.until_connected(&session).await;
                std::fs::write(&kill_file, gap).unwrap();
                calls.push(call(&world, SILENT, json!({"to": OWNER})).await);
                world.gateway().ended().await;
                world.start_gateway(&env).await;
                world.until_connected(&session).await;
                std::fs::write(&kill_file, gap).unwrap();
                let subject = format!("{turn} {gap}");
                let settings = json!({"by": READER, "subject": subject});
                world.control().post(&format!("/control/groups/{group}/settings"), &settings).await.ok(200);
                subjects.push(subject);
                world.gateway().ended().await;
                world.start_gateway(&env).await;
            }
        }
        world.until_connected(&session).await;
        calls.push(call(&world, SILENT, json!({"to": OWNER})).await);
        announced(&world, calls.last().unwrap()).await;
        let told = eventually("every change is told", async || {
            let events = events(&world, "group.updated").await;
            let told: Vec<_> = events.iter().filter_map(|event| event["data"]["subject"].as_str().map(str::to_owned)).collect();
            (told.len() >= subjects.len()).then(|| told.clone()).ok_or(format!("{told:?}"))
        })
        .await;
        assert_eq!(told, subjects);
        let told: Vec<_> = events(&world, "call.received").await.iter().map(|event| event["data"]["callId"].as_str().unwrap().to_owned()).collect();
        assert_eq!(told, calls);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_the_database_does_not_take_is_told_on_the_next_connection() {
    let mut world = World::start(Backend::Postgres).await;
    let session = world.pair(OWNER).await;
    let mut locker = world.database().connection().await;
    let mut lock = locker.begin().await.unwrap();
    lock.execute("LOCK TABLE notices IN EXCLUSIVE MODE").await.unwrap();
    let first = call(&world, SILENT, json!({"to": OWNER})).await;
    eventually("the gateway gave up on storing it", async || {
        let log = world.gateway().log();
        log.contains("this could not be stored").then_some(()).ok_or(log)
    })
    .await;
    lock.rollback().await.unwrap();
    announced(&world, &first).await;
    world.until_connected(&session).await;
    let second = call(&world, SILENT, json!({"to": OWNER})).await;
    announced(&world, &second).await;
    let told: Vec<_> =
        events(&world, "call.received").await.iter().map(|event| event["data"]["callId"].as_str().unwrap().to_owned()).collect();
    assert_eq!(told, [first, second]);
}
