//! The version of WhatsApp Web that the gateway claims: kept current, shared, refused, waited for.

use futures::{StreamExt, TryStreamExt};
use serde_json::{Value, json};

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
    async fn pair_many(&self, count: usize) -> Vec<String>;
    async fn all_are(&self, status: &str, count: usize);
    async fn until_waiting(&self, session: &str) -> Value;
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
    }

    async fn a_death_between_the_fetch_and_its_row_leaves_the_next_start_right(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let file = world.dir().join("kill");
        world.stop_gateway().await;
        world.database().execute(&world.dir().join("gateway"), "DELETE FROM whatsapp_version").await;
        world.change(json!({"floor": NEWER, "served": NEWER})).await;
        std::fs::write(&file, "version-fetched").unwrap();
        world.start_gateway(&[("WHARF_KILL_FILE", file.to_str().unwrap())]).await;
        world.gateway().ended().await;
        world.start_gateway(&[]).await;
        world.until_connected(&session).await;
        assert_includes(&world.known().await, &json!({"claimed": spelled(NEWER), "source": "sw_js"}));
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
    assert!(known["expiresAt"].as_str() > known["asOf"].as_str(), "{known}");
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
