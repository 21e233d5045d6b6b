//! Received files that are slow to come or never come: they hold up nobody else, and their messages say so in the end.

use serde_json::{Value, json};

use crate::harness::{Backend, OWNER, SILENT, World, both_backends, eventually};

const OTHER: &str = "15550000002";

async fn fault(world: &World, rule: Value) {
    world.control().post("/control/faults", &rule).await.ok(200);
}

async fn stalled(world: &World) -> i64 {
    world.control().get("/control/stats").await.data()["mediaStalled"].as_i64().unwrap()
}

async fn until_stalled(world: &World, count: i64) {
    eventually("downloads stand still", async || {
        let stalled = stalled(world).await;
        if stalled >= count { Ok(()) } else { Err(format!("{stalled} of {count}")) }
    })
    .await;
}

/// A person sends a file to `to`; answers its id on the wire.
async fn comes(world: &World, to: &str) -> String {
    world.writes_as(SILENT, to, json!({"type": "document", "size": 300_000})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_a_file_that_stands_still_and_the_file_comes_after_it() {
    let mut world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    fault(&world, json!({"action": "stall_download", "times": 1})).await;
    let wa_id = comes(&world, OWNER).await;
    until_stalled(&world, 1).await;
    world.gateway().end().await;
    let gateway = world.gateway();
    let log = eventually("the log is read", async || {
        let log = gateway.log();
        if log.contains("the gateway has stopped") { Ok(log) } else { Err(log) }
    })
    .await;
    assert!(!log.contains("the stop took too long"), "{log}");
    world.start_gateway(&[]).await;
    let row = world.row(&session, &wa_id, |row| row["mediaStatus"] == "stored").await;
    assert_eq!(row["sizeBytes"], 300_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_files_of_one_account_hold_up_no_file_of_another() {
    let world = World::start(Backend::Sqlite).await;
    world.pair(OWNER).await;
    let (other, _) = world.tenant("other", &json!({"callsPerMinute": 1000, "concurrentRequests": 100})).await;
    let paired = other.post("/v1/sessions", &json!({"name": "other"})).await;
    world.scan(paired.ok(201)["qr"].as_str().unwrap(), OTHER).await;
    let others = paired.data()["sessionId"].as_str().unwrap().to_owned();
    eventually("the other session is connected", async || {
        let shown = other.get(&format!("/v1/sessions/{others}")).await;
        (shown.data()["status"] == "connected").then_some(()).ok_or(format!("{shown:?}"))
    })
    .await;
    fault(&world, json!({"action": "stall_download"})).await;
    for _ in 0..6 {
        comes(&world, OWNER).await;
    }
    until_stalled(&world, 2).await;
    world.control().delete("/control/faults").await.ok(200);
    let wa_id = comes(&world, OTHER).await;
    eventually("the other account's file is stored", async || {
        let list = other.get(&format!("/v1/messages?sessionId={others}&direction=incoming")).await;
        let rows = list.ok(200).as_array().unwrap();
        let stored = rows.iter().any(|row| row["whatsappId"] == *wa_id && row["mediaStatus"] == "stored");
        stored.then_some(()).ok_or(format!("{list:?}"))
    })
    .await;
    assert_eq!(stalled(&world).await, 2, "as many of one account as are fetched at a time still stand");
}

both_backends! {
    async fn a_file_that_can_never_come_has_failed_and_an_event_says_so(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        fault(&world, json!({"action": "refuse_download", "code": 500})).await;
        let pending = async |wa_id: &str, session: &str| {
            let row = world.row(session, wa_id, |row| row["mediaStatus"] == "pending").await;
            row["messageId"].as_str().unwrap().to_owned()
        };
        let failed = async |id: &str, reason: &str| {
            let api = world.api();
            eventually("the file has failed", async || {
                let shown = api.get(&format!("/v1/messages/{id}")).await;
                let is = shown.data()["mediaStatus"] == "failed" && shown.data()["mediaReason"] == reason;
                is.then_some(()).ok_or(format!("{shown:?}"))
            })
            .await;
            eventually("an event says so", async || {
                let list = api.get("/v1/events?limit=200&events=message.status").await;
                let events = list.ok(200).as_array().unwrap();
                let told = events.iter().filter(|event| event["data"]["messageId"] == *id && event["data"]["mediaStatus"] == "failed").count();
                (told == 1).then_some(()).ok_or(format!("{list:?}"))
            })
            .await;
        };
        let overdue = pending(&comes(&world, OWNER).await, &session).await;
        world.advance(31 * 24 * 60 * 60).await;
        failed(&overdue, "the file did not come in time").await;

        let abandoned = pending(&comes(&world, OWNER).await, &session).await;
        world.api().delete(&format!("/v1/sessions/{session}")).await.ok(200);
        failed(&abandoned, "the session was deleted").await;
    }
    async fn a_file_whose_row_cannot_be_read_keeps_no_other_from_being_given_up(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        fault(&world, json!({"action": "refuse_download", "code": 500})).await;
        let pending = async || {
            let wa_id = comes(&world, OWNER).await;
            let row = world.row(&session, &wa_id, |row| row["mediaStatus"] == "pending").await;
            row["messageId"].as_str().unwrap().to_owned()
        };
        pending().await;
        world.sql("UPDATE media SET state = 'of_another_time'").await;
        let (behind, api) = (pending().await, world.api());
        world.advance(31 * 24 * 60 * 60).await;
        eventually("the file behind it has failed", async || {
            let shown = api.get(&format!("/v1/messages/{behind}")).await;
            (shown.data()["mediaStatus"] == "failed").then_some(()).ok_or(format!("{shown:?}"))
        })
        .await;
        assert!(world.log().contains("the row of a file that was to be given up cannot be read"));
    }
    async fn a_received_file_that_its_account_has_no_room_for_waits_and_is_fetched_when_it_has(backend) {
        let world = World::start(backend).await;
        let (tenant, _) = world.tenant("small", &json!({"callsPerMinute": 1000, "concurrentRequests": 100, "mediaBytes": 299_999})).await;
        let paired = tenant.post("/v1/sessions", &json!({"name": "small"})).await;
        world.scan(paired.ok(201)["qr"].as_str().unwrap(), OTHER).await;
        let wa_id = comes(&world, OTHER).await;
        let shown = async |wanted: &str| {
            eventually(wanted, async || {
                let list = tenant.get("/v1/messages?direction=incoming").await;
                let row = list.ok(200).as_array().unwrap().iter().find(|row| row["whatsappId"] == *wa_id).cloned();
                row.filter(|row| row["mediaStatus"] == wanted).ok_or(format!("{list:?}"))
            })
            .await
        };
        shown("pending").await;
        let used = async || tenant.get("/v1/usage").await.ok(200)["mediaBytes"].clone();
        // A file that fits is fetched beside it.
        world.writes_as(SILENT, OTHER, json!({"type": "document", "size": 1000})).await;
        eventually("the smaller file is here", async || (used().await == 1000).then_some(()).ok_or("not yet".to_owned())).await;
        shown("pending").await;
        let wide = json!({"callsPerMinute": 1000, "concurrentRequests": 100, "mediaBytes": 301_000});
        world.operator().put("/v1/admin/plans/small", &wide).await.ok(200);
        world.advance(60 * 60).await;
        shown("stored").await;
        assert_eq!(used().await, 301_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_calls_itself_smaller_than_it_is_takes_no_more_room_than_there_is() {
    let world = World::start(Backend::Sqlite).await;
    let plan = |bytes: u64| json!({"callsPerMinute": 1000, "concurrentRequests": 100, "mediaBytes": bytes});
    let (tenant, _) = world.tenant("small", &plan(299_999)).await;
    let paired = tenant.post("/v1/sessions", &json!({"name": "small"})).await;
    world.scan(paired.ok(201)["qr"].as_str().unwrap(), OTHER).await;
    let used = async || tenant.get("/v1/usage").await.ok(200)["mediaBytes"].clone();
    let liar = world.writes_as(SILENT, OTHER, json!({"type": "document", "size": 300_000, "toldSize": 10})).await;
    // One that comes later and fits has come: the liar was looked at, and is still not here.
    world.writes_as(SILENT, OTHER, json!({"type": "document", "size": 1000})).await;
    eventually("the honest file is here", async || (used().await == 1000).then_some(()).ok_or("not yet".to_owned())).await;
    let row = async || {
        let list = tenant.get("/v1/messages?direction=incoming").await;
        list.ok(200).as_array().unwrap().iter().find(|row| row["whatsappId"] == *liar).cloned().unwrap()
    };
    assert_eq!(row().await["mediaStatus"], "pending");
    world.operator().put("/v1/admin/plans/small", &plan(301_000)).await.ok(200);
    world.advance(60 * 60).await;
    eventually("it is here when it has room", async || (used().await == 301_000).then_some(()).ok_or("not yet".to_owned())).await;
    assert_eq!(row().await["sizeBytes"], 300_000, "as it is, not as it was told");
}
