//! The version of WhatsApp Web that the gateway claims: kept current, shared, refused, waited for.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt};
use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::harness::{Api, Backend, ECHO, OWNER, SILENT, World, assert_includes, both_backends, eventually, process};

/// What the program was built with, and the network's floor from the start.
const BUILT_IN: u32 = 1_045_649_367;
/// A number that the program does not know.
const NEWER: u32 = BUILT_IN + 1_000;
const MANY: usize = 200;
/// How many phones scan at the same time.
const HANDS: usize = 12;
const MINUTE: u64 = 60;

fn spelled(revision: u32) -> String {
    format!("2.3000.{revision}")
}

fn phone(number: usize) -> String {
    format!("1555{:07}", 3_000_000 + number)
}

/// The network and the gateway, with what this file asks them.
trait Versions {
    async fn network(&self) -> Value;
    async fn change(&self, change: Value) -> Value;
    async fn known(&self) -> Value;
    async fn state_of(&self, session: &str) -> Value;
    async fn create(&self) -> String;
    async fn pair_many(&self, count: usize) -> Vec<String>;
    async fn all_are(&self, status: &str, count: usize);
    async fn until_waiting(&self, session: &str) -> Value;
    async fn events_of(&self, session: &str) -> Vec<Value>;
}

impl Versions for World {
    async fn network(&self) -> Value {
        self.control().get("/control/version").await.ok(200).clone()
    }

    async fn change(&self, change: Value) -> Value {
        self.control().put("/control/version", &change).await.ok(200).clone()
    }

    async fn known(&self) -> Value {
        self.operator().get("/v1/admin/whatsapp").await.ok(200).clone()
    }

    async fn state_of(&self, session: &str) -> Value {
        self.api().get(&format!("/v1/sessions/{session}")).await.ok(200).clone()
    }

    async fn create(&self) -> String {
        self.api().post("/v1/sessions", &json!({"name": "test"})).await.ok(201)["sessionId"].as_str().unwrap().to_owned()
    }

    async fn pair_many(&self, count: usize) -> Vec<String> {
        let pair = |number: usize| async move { Ok::<_, ()>(self.pair(&phone(number)).await) };
        futures::stream::iter(0..count).map(pair).buffered(HANDS).try_collect().await.unwrap()
    }

    async fn all_are(&self, status: &str, count: usize) {
        eventually(&format!("{count} sessions are {status}"), async || {
            let page = self.api().get("/metrics").await;
            let text = String::from_utf8_lossy(&page.bytes).into_owned();
            let line =
                text.lines().find_map(|line| line.strip_prefix(&format!("wharf_sessions{{status=\"{status}\"}} ")).map(str::to_owned));
            (line == Some(count.to_string())).then_some(()).ok_or(format!("{line:?}"))
        })
        .await;
    }

    async fn until_waiting(&self, session: &str) -> Value {
        eventually("the session waits for an update", async || {
            let shown = self.state_of(session).await;
            if shown["waitingFor"] == "client_update" { Ok(shown) } else { Err(shown.to_string()) }
        })
        .await
    }

    async fn events_of(&self, session: &str) -> Vec<Value> {
        let page = self.api().get(&format!("/v1/events?sessionId={session}&events=session.status&cursor=oldest&limit=200")).await;
        page.ok(200).as_array().unwrap().clone()
    }
}

/// The value of one line of the metrics page, 0 where it is not there.
async fn metric(api: &Api, name: &str) -> f64 {
    let page = api.get("/metrics").await;
    let text = String::from_utf8_lossy(&page.bytes).into_owned();
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).map_or(0.0, |value| value.parse().unwrap())
}

fn asked(network: &Value, page: &str) -> u64 {
    network["asked"][page].as_u64().unwrap()
}

fn claims(network: &Value, revision: u32) -> u64 {
    network["claims"][revision.to_string()].as_u64().unwrap_or(0)
}

both_backends! {
    async fn below_the_floor_all_come_in_by_one_fetch_and_none_knocks_twice(backend) {
        let world = World::start(backend).await;
        // Until the start's own fetch is done.
        eventually("the first fetch", async || {
            let network = world.network().await;
            (asked(&network, "front") == 1).then_some(()).ok_or(network.to_string())
        })
        .await;
        let before = world.change(json!({"floor": NEWER, "served": NEWER})).await;
        let create = |_| world.create();
        let sessions: Vec<String> = futures::stream::iter(0..MANY).map(create).buffer_unordered(HANDS).collect().await;
        world.all_are("qr", MANY).await;
        let after = world.network().await;
        assert_eq!(asked(&after, "worker") - asked(&before, "worker"), 1, "{after}");
        assert!(claims(&after, BUILT_IN) <= MANY as u64 && claims(&after, NEWER) >= MANY as u64, "{after}");
        let known = world.known().await;
        assert_includes(&known, &json!({"claimed": spelled(NEWER), "source": "sw_js", "refused": spelled(BUILT_IN), "waiting": []}));
        // One of them goes all the way.
        let shown = world.api().get(&format!("/v1/sessions/{}/qr", sessions[0])).await;
        world.scan(shown.ok(200)["qr"].as_str().unwrap(), OWNER).await;
        world.until_connected(&sessions[0]).await;
    }

    async fn a_fresh_program_with_an_old_number_claims_the_served_one_from_the_first_connection(backend) {
        let mut world = World::start(backend).await;
        world.stop_gateway().await;
        world.database().execute(&world.dir().join("gateway"), "DELETE FROM whatsapp_version").await;
        world.change(json!({"floor": NEWER, "served": NEWER})).await;
        world.start_gateway(&[]).await;
        // The number that was built in is old: a connection waits for what the page tells.
        let session = world.pair(OWNER).await;
        assert_eq!(claims(&world.network().await, BUILT_IN), 0);

        // The pages are away, and the number is in the store.
        world.change(json!({"fault": "403"})).await;
        world.stop_gateway().await;
        world.start_gateway(&[]).await;
        world.until_connected(&session).await;
        world.send(&session, ECHO, "by the stored number").await.ok(201);
        assert_eq!(claims(&world.network().await, BUILT_IN), 0);
        assert_includes(&world.known().await, &json!({"claimed": spelled(NEWER), "source": "sw_js"}));

        // Both are away: it says what it waits for, and comes back when the page does.
        world.stop_gateway().await;
        world.database().execute(&world.dir().join("gateway"), "DELETE FROM whatsapp_version").await;
        world.start_gateway(&[]).await;
        let shown = world.until_waiting(&session).await;
        assert_eq!(shown["status"], "reconnecting");
        world.change(json!({"fault": ""})).await;
        world.advance(MINUTE).await;
        world.until_connected(&session).await;
        assert_eq!(world.state_of(&session).await["waitingFor"], Value::Null);
    }

    async fn when_the_floor_rises_all_sessions_come_back_by_one_fetch_and_each_text_goes_out_once(backend) {
        let world = World::start(backend).await;
        let sessions = world.pair_many(MANY).await;
        let before = world.change(json!({"floor": NEWER, "served": NEWER})).await;
        world.all_are("connected", MANY).await;
        assert_eq!(before["refused"], json!({"registrations": 0, "logins": 0}), "no socket drops");
        // They wait with their messages when they are cut off.
        world.control().post("/control/faults", &json!({"action": "drop_message", "to": SILENT})).await.ok(200);
        let send = |session: &String| {
            let body = json!({"sessionId": session, "to": SILENT, "text": session, "async": true});
            let api = world.api();
            async move { api.post("/v1/messages/text", &body).await.ok(201)["messageId"].as_str().unwrap().to_owned() }
        };
        let texts: Vec<String> = futures::stream::iter(&sessions).map(send).buffered(HANDS).collect().await;
        let mut events = BTreeMap::new();
        for session in &sessions {
            events.insert(session, world.events_of(session).await.len());
        }
        world.control().delete("/control/faults").await.ok(200);

        world.change(json!({"kick": true})).await;
        for text in &texts {
            world.until_message(text, "delivered").await;
        }
        world.all_are("connected", MANY).await;
        let after = world.network().await;
        assert_eq!(asked(&after, "worker") - asked(&before, "worker"), 1, "{after}");
        assert_eq!(after["refused"]["registrations"], 0, "nobody asked for a scan");
        assert!(after["refused"]["logins"].as_u64().unwrap() <= MANY as u64, "each knocked once with the old number: {after}");
        // One entry is one message that a person sees; what was cut off in the middle came twice under its id.
        let mut shown: Vec<_> = world.ledger(SILENT).await.iter().map(|entry| entry["text"].to_string()).collect();
        let mut wanted: Vec<_> = sessions.iter().map(|session| json!(session).to_string()).collect();
        shown.sort();
        wanted.sort();
        assert_eq!(shown, wanted);
        for session in &sessions {
            // Who was back within a moment had nothing to tell; what there was to tell comes a moment after it is shown.
            let fresh = eventually("it is told that it is back", async || {
                let fresh = world.events_of(session).await.split_off(events[session]);
                let back = fresh.last().is_none_or(|last| last["data"]["status"] == "connected");
                if back { Ok(fresh) } else { Err(format!("{fresh:?}")) }
            })
            .await;
            let waits = fresh.iter().filter(|event| event["data"]["waitingFor"] == "client_update").count();
            assert!(waits <= 1 && fresh.len() <= 3, "{session}: {fresh:?}");
        }
    }

    async fn above_all_that_is_known_sessions_wait_in_words_and_come_back_by_every_way(backend) {
        let mut world = World::start(backend).await;
        let (session, fresh) = (world.pair(OWNER).await, world.create().await);
        world.control().post("/control/faults", &json!({"action": "drop_message", "to": SILENT})).await.ok(200);
        let queued = world.api().post("/v1/messages/text", &json!({"sessionId": session, "to": SILENT, "text": "kept", "async": true})).await;
        let queued = queued.ok(201)["messageId"].as_str().unwrap().to_owned();
        eventually("it is on the wire", async || {
            let shown = world.api().get(&format!("/v1/messages/{queued}")).await;
            (shown.data()["status"] == "queued").then_some(()).ok_or(format!("{shown:?}"))
        })
        .await;
        let before = world.events_of(&session).await.len();
        world.change(json!({"floor": NEWER, "kick": true})).await;
        let shown = world.until_waiting(&session).await;
        assert_eq!((&shown["status"], shown["since"].is_string()), (&json!("reconnecting"), true), "{shown}");
        assert_eq!(world.until_waiting(&fresh).await["status"], "starting");
        world.control().delete("/control/faults").await.ok(200);

        // In words, to whoever asks.
        let api = world.api();
        let refused = world.send(&session, ECHO, "not now").await;
        assert!(refused.refused(ErrorCode::SessionNotConnected)["reason"].as_str().unwrap().contains("client_update"), "{refused:?}");
        for reply in [
            api.get(&format!("/v1/sessions/{fresh}/qr")).await,
            api.post(&format!("/v1/sessions/{fresh}/pairing-code"), &json!({"phoneNumber": OWNER})).await,
            api.post(&format!("/v1/sessions/{session}/restart"), &json!({})).await,
            api.post("/v1/contacts/check", &json!({"sessionId": session, "phoneNumbers": [ECHO]})).await,
        ] {
            let reason = reply.refused(ErrorCode::ServiceUnavailable)["reason"].as_str().unwrap();
            assert!(reason.contains("has to update"), "{reply:?}");
            let seconds: u64 = reply.header("retry-after").parse().unwrap();
            assert!((1..=600).contains(&seconds), "{seconds}");
        }
        let held = api.get(&format!("/v1/messages/{queued}")).await;
        assert_includes(held.ok(200), &json!({"status": "queued", "heldReason": "client_update"}));
        api.get("/readyz").await.ok(200);
        let known = world.known().await;
        assert_includes(&known, &json!({"claimed": spelled(BUILT_IN), "refused": spelled(BUILT_IN), "waiting": [{"for": "client_update", "sessions": 2}]}));
        let waiting = metric(&api, r#"wharf_sessions_waiting{for="client_update"}"#).await;
        assert!((1.9..2.1).contains(&waiting), "{waiting}");
        assert!(metric(&api, r#"wharf_whatsapp_refusals_total{code="405"}"#).await >= 2.0);

        // One of them tries for all, six times an hour.
        let knocks = async || claims(&world.network().await, BUILT_IN);
        let first = knocks().await;
        for turn in 1..=3 {
            world.advance(10 * MINUTE).await;
            eventually("somebody has its turn", async || {
                let knocked = knocks().await - first;
                (knocked >= turn).then_some(()).ok_or(knocked.to_string())
            })
            .await;
            world.until_waiting(&session).await;
        }
        assert_eq!(knocks().await - first, 3);
        let told = world.events_of(&session).await;
        let waits = told[before..].iter().filter(|event| event["data"]["waitingFor"] == "client_update").count();
        assert_eq!(waits, 1, "{told:?}");

        // The source knows more.
        world.change(json!({"served": NEWER})).await;
        world.advance(MINUTE).await;
        world.until_connected(&session).await;
        world.until_status(&fresh, "qr").await;
        world.until_message(&queued, "delivered").await;
        // One entry is one message that a person sees. The clock that jumps may end the wait for an acknowledgement: then it goes out again under its id.
        let shown: Vec<_> = world.ledger(SILENT).await.into_iter().map(|entry| entry["text"].clone()).collect();
        assert_eq!(shown, [json!("kept")]);

        // The row knows more.
        world.change(json!({"fault": "500", "floor": NEWER + 1, "kick": true})).await;
        world.until_waiting(&session).await;
        let row = format!("UPDATE whatsapp_version SET version = {}", NEWER + 1);
        world.database().execute(&world.dir().join("gateway"), &row).await;
        world.advance(MINUTE).await;
        world.until_connected(&session).await;

        // The setting knows more.
        world.change(json!({"floor": NEWER + 2, "kick": true})).await;
        world.until_waiting(&session).await;
        world.stop_gateway().await;
        world.start_gateway(&[("WHARF_WHATSAPP_VERSION", &spelled(NEWER + 2))]).await;
        world.until_connected(&session).await;
        assert_includes(&world.known().await, &json!({"claimed": spelled(NEWER + 2), "source": "setting"}));
    }

    async fn a_death_between_the_fetch_and_its_row_leaves_the_next_start_right(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let file = world.dir().join("kill");
        world.stop_gateway().await;
        world.database().execute(&world.dir().join("gateway"), "DELETE FROM whatsapp_version").await;
        world.change(json!({"floor": NEWER, "served": NEWER})).await;
        std::fs::write(&file, "version-fetched").unwrap();
        world.start_gateway_to_its_death(&[("WHARF_KILL_FILE", file.to_str().unwrap())]).await;
        world.start_gateway(&[]).await;
        world.until_connected(&session).await;
        assert_includes(&world.known().await, &json!({"claimed": spelled(NEWER), "source": "sw_js"}));
    }

    async fn a_newer_number_is_claimed_as_soon_as_a_knock_was_let_in_with_it_and_never_where_it_was_turned_away(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let operator = world.operator();
        let fetch = async || operator.post("/v1/admin/whatsapp/version", &json!({})).await.ok(200).clone();
        world.control().post("/control/faults", &json!({"action": "refuse_registration", "code": 405})).await.ok(200);
        world.change(json!({"served": NEWER})).await;
        world.advance(2 * MINUTE).await;
        assert_eq!(fetch().await["served"], spelled(NEWER));
        eventually("the knock is turned away", async || {
            let log = world.log();
            log.contains("turns a newer version of WhatsApp Web away").then_some(()).ok_or(log)
        })
        .await;
        world.advance(25 * 60 * MINUTE).await;
        let known = fetch().await;
        assert_eq!((&known["claimed"], &known["served"]), (&json!(spelled(BUILT_IN)), &json!(spelled(NEWER))), "after more than a day");
        assert_eq!(claims(&world.network().await, NEWER), 1, "nobody but the one knock claimed it");

        world.control().delete("/control/faults").await.ok(200);
        world.change(json!({"served": NEWER + 5})).await;
        world.advance(2 * MINUTE).await;
        fetch().await;
        eventually("the number that is taken is claimed", async || {
            let known = world.known().await;
            (known["claimed"] == spelled(NEWER + 5)).then_some(()).ok_or(known.to_string())
        })
        .await;
        assert_includes(&world.known().await, &json!({"source": "sw_js"}));
        // The socket that stands is left alone, and whoever connects now claims the newer one.
        assert!(world.metric("wharf_sockets_lost_total 0").await);
        world.send(&session, ECHO, "by the old number").await.ok(201);
        let knocked = claims(&world.network().await, NEWER + 5);
        world.create().await;
        assert!(claims(&world.network().await, NEWER + 5) > knocked);
    }

    async fn pages_that_go_wrong_leave_the_number_and_hold_no_connection_up(backend) {
        let world = World::start(backend).await;
        let operator = world.operator();
        world.change(json!({"served": NEWER})).await;
        for (fault, outcome) in [
            ("403", "status"),
            ("500", "status"),
            ("redirect", "status"),
            ("cut", "unreachable"),
            ("no number", "unreadable"),
            ("0", "zero"),
            ("lower", "lower"),
            ("absurd", "absurd"),
            ("slow", "unreachable"),
        ] {
            world.change(json!({"fault": fault})).await;
            world.advance(2 * MINUTE).await;
            let counter = format!("wharf_whatsapp_version_fetches_total{{source=\"sw_js\",outcome=\"{outcome}\"}}");
            let before = metric(&operator, &counter).await;
            let forced = async || {
                let answered = operator.post("/v1/admin/whatsapp/version", &json!({})).await;
                assert_eq!(answered.ok(200)["claimed"], spelled(BUILT_IN), "{fault}");
            };
            let made = async || {
                // Whatever the page does: nobody who connects waits for it.
                let made = world.api().post("/v1/sessions", &json!({"name": "test"})).await;
                assert!(made.ok(201)["qr"].is_string(), "{made:?}");
                metric(&operator, &counter).await
            };
            let ((), then) = tokio::join!(forced(), made());
            if fault == "slow" {
                assert!(then <= before, "the page had not answered when the code was there");
            }
            eventually(&format!("{fault} is counted"), async || {
                let now = metric(&operator, &counter).await;
                (now > before).then_some(()).ok_or(now.to_string())
            })
            .await;
        }
        let network = world.network().await;
        assert_eq!((asked(&network, "elsewhere"), asked(&network, "bare")), (0, 0), "{network}");

        // A good page: the number is known at once, and claimed after a day where no knock tells more.
        world.control().post("/control/faults", &json!({"action": "hold_qr"})).await.ok(200);
        world.change(json!({"fault": "", "workerFault": "403"})).await;
        world.advance(2 * MINUTE).await;
        let answered = operator.post("/v1/admin/whatsapp/version", &json!({})).await;
        assert_includes(answered.ok(200), &json!({"claimed": spelled(BUILT_IN), "served": spelled(NEWER)}));
        world.advance(24 * 60 * MINUTE).await;
        eventually("the number is claimed", async || {
            let known = world.known().await;
            (known["claimed"] == spelled(NEWER) && known["source"] == "front_page").then_some(()).ok_or(known.to_string())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_set_is_obeyed_downward_too_and_warned_of() {
    const OLD: u32 = 1_035_194_821;
    let mut world = World::start(Backend::Sqlite).await;
    world.change(json!({"floor": OLD, "served": NEWER})).await;
    world.stop_gateway().await;
    world.start_gateway(&[("WHARF_WHATSAPP_VERSION", &spelled(OLD))]).await;
    let session = world.pair(OWNER).await;
    assert!(claims(&world.network().await, OLD) >= 2, "it registers and logs in with it");
    assert!(world.gateway().log().contains("set by hand"), "{}", world.gateway().log());

    // What was linked with the number of another year goes on without a scan.
    world.stop_gateway().await;
    world.change(json!({"floor": BUILT_IN})).await;
    world.start_gateway(&[]).await;
    world.until_connected(&session).await;
    world.send(&session, ECHO, "still here").await.ok(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_pages_are_away_takes_what_another_one_found() {
    let world = World::start(Backend::Postgres).await;
    let dead = [("WHARF_WHATSAPP_VERSION_URL", "http://127.0.0.1:1/")];
    let other = world.another_node_with("second", &dead).await;
    let (url, key) = (other.ready["url"].as_str().unwrap(), other.ready["operatorKey"].as_str().unwrap());
    let (there, customer) = (Api::new(url, key), Api::new(url, other.ready["apiKey"].as_str().unwrap()));
    let made = customer.post("/v1/sessions", &json!({"name": "there"})).await;
    let session = made.ok(201)["sessionId"].as_str().unwrap().to_owned();
    world.scan(made.data()["qr"].as_str().unwrap(), OWNER).await;
    let status = async |wanted: &str| {
        eventually(wanted, async || {
            let shown = customer.get(&format!("/v1/sessions/{session}")).await;
            (shown.data()["status"] == wanted).then_some(()).ok_or(format!("{shown:?}"))
        })
        .await;
    };
    status("connected").await;
    let before = world.change(json!({"floor": NEWER, "served": NEWER})).await;
    let here = world.pair("15550000002").await;
    world.change(json!({"kick": true})).await;
    world.until_connected(&here).await;
    // A connection that was cut a moment ago may still be shown as one: the claim says that it came back.
    eventually("the other one claims what was found", async || {
        let shown = there.get("/v1/admin/whatsapp").await.ok(200).clone();
        (shown["claimed"] == spelled(NEWER) && shown["source"] == "sw_js").then_some(()).ok_or(shown.to_string())
    })
    .await;
    status("connected").await;
    let after = world.network().await;
    assert!(asked(&after, "worker") - asked(&before, "worker") <= 2, "{after}");
    other.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_in_the_middle_of_a_pairing_wipes_nothing() {
    let world = World::start(Backend::Sqlite).await;
    let api = world.api();
    // While a code is typed.
    let coded = world.create().await;
    world.until_status(&coded, "qr").await;
    let path = format!("/v1/sessions/{coded}/pairing-code");
    api.post(&path, &json!({"phoneNumber": OWNER})).await.ok(201);
    world.change(json!({"floor": NEWER, "served": NEWER, "kick": true})).await;
    let code = eventually("there is a new code", async || {
        let made = api.post(&path, &json!({"phoneNumber": OWNER})).await;
        if made.status == 201 { Ok(made.data()["pairingCode"].clone()) } else { Err(format!("{made:?}")) }
    })
    .await;
    world.control().post("/control/pair-code", &json!({"phone": OWNER, "code": code})).await.ok(200);
    world.until_connected(&coded).await;

    // Between the scan and the first login.
    let scanned = world.create().await;
    world.until_status(&scanned, "qr").await;
    let rule = json!({"action": "refuse_login", "code": 405, "phone": "15550000002", "times": 1});
    world.control().post("/control/faults", &rule).await.ok(200);
    let qr = api.get(&format!("/v1/sessions/{scanned}/qr")).await;
    world.scan(qr.ok(200)["qr"].as_str().unwrap(), "15550000002").await;
    let shown = world.until_waiting(&scanned).await;
    assert_eq!(shown["phoneNumber"], "15550000002", "its link stays: {shown}");
    world.advance(11 * MINUTE).await;
    world.until_connected(&scanned).await;
    world.send(&scanned, ECHO, "linked all the same").await.ok(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_alone_is_refused_keeps_nobody_else_out() {
    let world = World::start(Backend::Sqlite).await;
    let sessions = world.pair_many(10).await;
    let rule = json!({"action": "refuse_login", "code": 405, "phone": phone(3)});
    let rule = world.control().post("/control/faults", &rule).await.ok(200)["id"].clone();
    world.change(json!({"kick": true})).await;
    world.all_are("connected", 9).await;
    let shown = world.until_waiting(&sessions[3]).await;
    assert_eq!(shown["status"], "reconnecting");
    // Others come and go meanwhile.
    world.pair(&phone(10)).await;
    world.api().post(&format!("/v1/sessions/{}/restart", sessions[4]), &json!({})).await.ok(200);
    world.until_connected(&sessions[4]).await;
    assert_eq!(world.known().await["waiting"], json!([{"for": "client_update", "sessions": 1}]));
    world.control().delete(&format!("/control/faults/{rule}")).await.ok(200);
    world.advance(11 * MINUTE).await;
    world.until_connected(&sessions[3]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_the_gateway_itself_asks_for_the_version() {
    let mut world = World::start(Backend::Sqlite).await;
    let sessions = world.pair_many(10).await;
    world.stop_gateway().await;
    world.start_gateway(&[]).await;
    for session in &sessions {
        world.until_connected(session).await;
        world.api().post(&format!("/v1/sessions/{session}/restart"), &json!({})).await.ok(200);
        world.until_connected(session).await;
    }
    let network = world.network().await;
    assert!((1..=2).contains(&asked(&network, "worker")) && asked(&network, "bare") == 0, "one at each start at the most: {network}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_that_whatsapp_announces_is_shown() {
    let world = World::start(Backend::Sqlite).await;
    world.change(json!({"expiresIn": 86_400})).await;
    world.pair(OWNER).await;
    let known = eventually("the end is known", async || {
        let known = world.known().await;
        if known["expiresAt"].is_string() { Ok(known) } else { Err(known.to_string()) }
    })
    .await;
    assert!(known["expiresAt"].as_str() > known["currentAt"].as_str(), "{known}");
    let left = metric(&world.operator(), "wharf_whatsapp_expires_seconds").await;
    assert!((86_000.0..=86_400.0).contains(&left), "{left}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_that_is_turned_away_waits_together_and_one_tries_for_all() {
    let world = World::start(Backend::Sqlite).await;
    let sessions = world.pair_many(6).await;
    let rule = world.control().post("/control/faults", &json!({"action": "refuse_login", "code": 503})).await.ok(200)["id"].clone();
    world.change(json!({"kick": true})).await;
    for session in &sessions {
        eventually("it waits with the others", async || {
            let shown = world.state_of(session).await;
            (shown["waitingFor"] == "overload").then_some(()).ok_or(shown.to_string())
        })
        .await;
    }
    world.control().delete(&format!("/control/faults/{rule}")).await.ok(200);
    world.advance(2 * MINUTE).await;
    world.all_are("connected", sessions.len()).await;
}

/// What a release begins with.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_for_releases_writes_what_the_page_tells_and_refuses_what_is_old() {
    let world = World::start(Backend::Sqlite).await;
    world.change(json!({"served": NEWER})).await;
    let control = world.network_url();
    let page = format!("{}/sw.js", control.replace("ws://", "http://").trim_end_matches("/ws/chat"));
    let file = world.dir().join("built_in.rs");
    let run = async |args: &[&str]| {
        let mut command = tokio::process::Command::new(process::program("xtask"));
        let done = command.arg("version").args(["--file", file.to_str().unwrap()]).args(args).output().await.unwrap();
        (done.status.success(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    let written = run(&["--url", &page]).await;
    assert!(written.0, "{written:?}");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("u32 = 1_045_650_367;"), "{text}");
    assert!(run(&["--check"]).await.0);
    world.change(json!({"fault": "lower"})).await;
    let lower = run(&["--url", &page]).await;
    assert!(!lower.0 && lower.1.contains("lower"), "{lower:?}");
    // As it was on a day of 2026-08.
    std::fs::write(
        &file,
        text.lines()
            .map(|line| if line.contains("SECS") { "pub(crate) const AS_OF_SECS: i64 = 1_787_184_000;" } else { line })
            .collect::<Vec<_>>()
            .join("\n"),
    )
    .unwrap();
    let old = run(&["--check"]).await;
    assert!(!old.0 && old.1.contains("days old"), "{old:?}");
}
