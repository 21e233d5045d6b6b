//! What a thief of the database has without the master key, and the change of that key.

use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::fleet::until;
use crate::harness::chaos::Way;
use crate::harness::process::program;
use crate::harness::{Api, Backend, Chaos, Hook, OWNER, PATIENCE, Process, SILENT, World, api, both_backends, eventually, nats};
use crate::nodes::connected;
use crate::unfit;

const NEXT_KEY: &str = "WHARF_NEXT_MASTER_KEY_FILE";

impl World {
    /// Whether any row of what is to be sent has the words in it.
    async fn payloads_show(&self, words: &str) -> bool {
        let hex = wharf_core::media::intake::hex(words.as_bytes());
        let found = match self.database().url() {
            Some(_) => format!("position('{hex}' in encode(payload, 'hex')) > 0"),
            None => format!("instr(lower(hex(payload)), '{hex}') > 0"),
        };
        let sql = format!("SELECT COUNT(*) FROM outgoing WHERE {found}");
        self.database().count(&self.dir().join("gateway"), &sql).await > 0
    }

    /// `wharf keys rotate-master` on this world's data, with the key of a file as the next one.
    fn rotation(&self, next: &Path) -> Command {
        let mut command = Command::new(program("wharf"));
        command.args(["keys", "rotate-master"]).env("WHARF_DATA_DIR", self.dir().join("gateway")).env(NEXT_KEY, next);
        if let Some(url) = self.database().url() {
            command.env("WHARF_DATABASE_URL", url);
        }
        command
    }

    /// Runs it to its end: whether it went well, and what it said.
    async fn rotates(&self, next: &Path) -> (bool, String) {
        let done = self.rotation(next).output().await.unwrap();
        let words = String::from_utf8([done.stdout, done.stderr].concat()).unwrap();
        assert_eq!(done.status.code(), Some(i32::from(!done.status.success())), "{words}");
        (done.status.success(), words)
    }

    /// Runs it again as long as it is refused.
    async fn rotates_in_the_end(&self, next: &Path) -> String {
        eventually("the key is changed", async || match self.rotates(next).await {
            (true, words) => Ok(words),
            (false, words) => Err(words),
        })
        .await
    }

    /// Kills it as a power cut would, once it has said so many lines of how far it is.
    async fn rotates_until(&self, next: &Path, lines: usize) {
        let mut command = self.rotation(next);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        for _ in 0..lines {
            let line = said.next_line().await.unwrap();
            assert!(line.is_some(), "it ended before it was killed");
        }
        child.kill().await.unwrap();
        assert!(self.is_being_changed().await);
    }

    /// Whether a change of the key has begun and not ended.
    async fn is_being_changed(&self) -> bool {
        self.database().count(&self.dir().join("gateway"), "SELECT COUNT(*) FROM meta WHERE name = 'master-key-to-be'").await == 1
    }

    /// The gateway starts anew with the key of a file as the next one.
    async fn start_with_next_key(&mut self, next: &Path) {
        self.stop_gateway().await;
        self.start_gateway(&[(NEXT_KEY, next.to_str().unwrap())]).await;
    }

    /// A start with the keys that lie in the data folder: its exit code, and what it says.
    async fn start_ends(&self) -> (Option<i32>, String) {
        let (data, network) = (self.dir().join("gateway"), self.network_url());
        let mut command = Command::new(program("wharf-sandbox"));
        command.args(["--json", "--port", "0", "--network", &network, "--data-dir"]).arg(data).kill_on_drop(true);
        if let Some(url) = self.database().url() {
            command.args(["--database-url", url]);
        }
        let ended = tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends").unwrap();
        (ended.status.code(), String::from_utf8([ended.stdout, ended.stderr].concat()).unwrap())
    }
}

/// The file of another key.
fn new_key(path: &Path) {
    use base64::Engine as _;
    let mut key = [0; 32];
    wharf_core::Chance::fill(&wharf_core::chance::SystemChance, &mut key);
    std::fs::write(path, base64::engine::general_purpose::STANDARD.encode(key)).unwrap();
}

both_backends! {
    async fn what_is_sent_lies_sealed_and_goes_out_as_it_was_said(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let sent = world.send(&session, SILENT, "canary in the mine").await.ok(201)["messageId"].as_str().unwrap().to_owned();
        world.until_message(&sent, "delivered").await;
        assert_eq!(world.ledger(SILENT).await[0]["text"], "canary in the mine");
        assert!(!world.payloads_show("canary in the mine").await);
        // A device that cannot read it asks again, and gets it from what lies there.
        let poll = json!({"sessionId": session, "to": SILENT, "question": "Which?", "options": ["this", "that"]});
        let poll = world.api().post("/v1/messages/poll", &poll).await.ok(201).clone();
        world.until_message(poll["messageId"].as_str().unwrap(), "delivered").await;
        let vote = json!({"type": "vote", "target": poll["whatsappId"], "options": ["that"]});
        world.writes_as(SILENT, OWNER, vote).await;
        world.events("poll.vote", 1).await;
    }

    async fn a_master_key_that_is_changed_under_load_costs_no_call_and_opens_everything(backend) {
        let mut world = World::start(backend).await;
        let (session, hook) = (world.pair(OWNER).await, Hook::start().await);
        let webhook = json!({"url": hook.url("/x"), "events": ["*"], "headers": {"X-Own": "secret header"}});
        let secret = world.api().post("/v1/webhooks", &webhook).await.ok(201)["secret"].as_str().unwrap().to_owned();
        let text = json!({"sessionId": session, "to": SILENT, "text": "once"});
        let once = async |world: &World| api::read(world.api().request("POST", "/v1/messages/text").header("idempotency-key", "k").json(&text)).await;
        let first = once(&world).await.ok(201).clone();
        let (key, next) = (world.dir().join("gateway/master.key"), world.dir().join("next.key"));
        new_key(&next);
        // Nobody who runs may be left unable to open what the others seal.
        let (done, words) = world.rotates(&next).await;
        assert!(!done && words.contains("do not know both keys") && words.contains("Nothing was changed"), "{words}");
        assert!(!world.is_being_changed().await);
        world.start_with_next_key(&next).await;
        world.until_connected(&session).await;

        let is_over = AtomicBool::new(false);
        let load = async {
            let mut sent = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                let text = format!("text {}", sent.len());
                let made = world.send(&session, SILENT, &text).await.ok(201)["messageId"].as_str().unwrap().to_owned();
                world.phone_sends(SILENT, OWNER, &format!("answer to {text}")).await;
                world.until_message(&made, "delivered").await;
                sent.push((made, text));
            }
            sent
        };
        let change = async {
            for lines in 1..=3 {
                world.rotates_until(&next, lines).await;
            }
            let done = world.rotates(&next).await;
            is_over.store(true, Ordering::Relaxed);
            done
        };
        let (sent, (done, words)) = tokio::join!(load, change);
        assert!(done && words.contains("Nothing is sealed with the key") && !words.contains("neither key"), "{words}");
        assert!(sent.len() > 3, "nothing was sent meanwhile");
        world.until_shown(SILENT, &sent.iter().map(|(_, text)| text.clone()).collect::<Vec<_>>()).await;
        eventually("every step was delivered, signed", async || {
            let got = hook.got("/x");
            assert!(got.iter().all(|got| got.verifies(&secret) && got.headers["x-own"] == "secret header"));
            let has = |words: &str| got.iter().any(|got| got.body.contains(words));
            let lacking = sent.iter().find(|(id, text)| !has(id) || !has(&format!("answer to {text}\"")));
            lacking.map_or(Ok(()), |lacking| Err(format!("{lacking:?}")))
        })
        .await;
        let (healthy, words) = world.deep_with(&[(NEXT_KEY, next.to_str().unwrap())]).await;
        assert!(healthy && words.contains("which seals") && !words.contains("does not seal any more"), "{words}");

        world.stop_gateway().await;
        let (code, words) = world.start_ends().await;
        assert_eq!(code, Some(1), "{words}");
        assert!(words.contains("another one than the one that sealed"), "{words}");
        std::fs::rename(&next, &key).unwrap();
        world.start_gateway(&[]).await;
        world.until_connected(&session).await;
        assert_eq!(once(&world).await.ok(201), &first, "the stored answer is opened");
        let sent = world.send(&session, SILENT, "under the new key alone").await.ok(201)["messageId"].as_str().unwrap().to_owned();
        world.until_message(&sent, "delivered").await;
        let got = eventually("it is delivered", async || hook.got("/x").pop().filter(|got| got.body.contains(&sent)).ok_or("not yet".to_owned())).await;
        assert!(got.verifies(&secret) && got.headers["x-own"] == "secret header");
    }

    async fn a_change_of_the_master_key_that_was_cut_off_needs_both_keys_and_goes_on(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let (key, next, other) = (world.dir().join("gateway/master.key"), world.dir().join("next.key"), world.dir().join("other.key"));
        for file in [&next, &other] {
            new_key(file);
        }
        world.start_with_next_key(&next).await;
        world.rotates_until(&next, 1).await;
        world.stop_gateway().await;
        let (code, words) = world.start_ends().await;
        assert_eq!(code, Some(1), "{words}");
        assert!(words.contains("knows only one of the two"), "{words}");
        let (done, words) = world.rotates(&other).await;
        assert!(!done && words.contains("began with another next key"), "{words}");
        // Nobody runs: nobody is waited for.
        world.rotates_in_the_end(&next).await;
        assert!(!world.is_being_changed().await);
        let words = world.rotates_in_the_end(&next).await;
        assert!(words.contains("is in force already"), "a second run has nothing to do: {words}");
        std::fs::rename(&next, &key).unwrap();
        world.start_gateway(&[]).await;
        world.until_connected(&session).await;
        // What was sealed with the old key before a backup needs that one.
        let folder = world.dir().join("backup");
        let (done, words) = world.command(&["backup", folder.to_str().unwrap()]).await;
        assert!(done && words.contains("Its master key is"), "{words}");
        world.stop_gateway().await;
        let elsewhere = world.dir().join("elsewhere");
        std::fs::create_dir(&elsewhere).unwrap();
        std::fs::copy(&other, elsewhere.join("master.key")).unwrap();
        let mut restore = Command::new(program("wharf"));
        restore.arg("restore").arg(&folder).env("WHARF_DATA_DIR", &elsewhere);
        if let Some(url) = world.database().url() {
            restore.env("WHARF_DATABASE_URL", url);
        }
        let refused = restore.output().await.unwrap();
        let words = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && words.contains("the backup needs the master key"), "{words}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_knows_the_old_key_alone_holds_the_change_up_and_nodes_with_both_go_through_it_together() {
    let mut world = World::start(Backend::Postgres).await;
    let session = world.pair(OWNER).await;
    let next = world.dir().join("next.key");
    new_key(&next);
    let alone = world.another_node("alone").await;
    world.start_with_next_key(&next).await;
    let (done, words) = world.rotates(&next).await;
    let id = std::fs::read_to_string(world.dir().join("alone/node-id")).unwrap();
    assert!(!done && words.contains(id.trim()) && words.contains("knows only"), "{words}");
    alone.terminate().await;
    let second = world.another_node_with("second", &[(NEXT_KEY, next.to_str().unwrap())]).await;
    let words = world.rotates_in_the_end(&next).await;
    assert!(words.contains("Nothing is sealed with the key"), "{words}");
    // One node ends, and the other opens what the first one sealed.
    world.stop_gateway().await;
    let api = Api::new(second.ready["url"].as_str().unwrap(), second.ready["apiKey"].as_str().unwrap());
    eventually("the session is connected at the other node", async || {
        let shown = api.get(&format!("/v1/sessions/{session}")).await;
        (shown.data()["status"] == "connected").then_some(()).ok_or(format!("{shown:?}"))
    })
    .await;
    second.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_slept_through_the_begin_of_a_change_is_not_ready_and_another_one_runs_its_session() {
    let mut world = World::start(Backend::Postgres).await;
    let next = world.dir().join("next.key");
    new_key(&next);
    world.start_with_next_key(&next).await;
    let way = Chaos::start(world.database().server().await).await;
    let led = world.database().led_through(way.address, None);
    let behind = world.another_node_by("behind", &[], &led).await;
    let api = nats::api(&behind);
    let created = api.post("/v1/sessions", &json!({"name": "test"})).await;
    let session = created.ok(201)["sessionId"].as_str().unwrap().to_owned();
    world.scan(created.data()["qr"].as_str().expect("a code"), OWNER).await;
    until(&api, &session, "connected").await;

    way.make(Way::Silent);
    let id = std::fs::read_to_string(world.dir().join("behind/node-id")).unwrap();
    let now = "EXTRACT(EPOCH FROM clock_timestamp()) * 1000";
    let leased = format!("SELECT COUNT(*) FROM node_lease WHERE node = '{}' AND expires_at > {now}", id.trim());
    eventually("nobody waits for it any more", async || {
        let found = world.database().count(world.dir(), &leased).await;
        (found == 0).then_some(()).ok_or(format!("{found}"))
    })
    .await;
    world.rotates_until(&next, 1).await;
    way.make(Way::Open);
    // From its first moment on, when it has not heard of the change yet.
    unfit::refuses(&api, &session).await;
    let open = api.with_key("");
    eventually("it says why it is not ready", async || {
        let ready = open.get("/readyz").await;
        let reason = ready.json["error"]["details"]["reason"].as_str().unwrap_or_default();
        (ready.status == 503 && reason.contains("knows only one of the two")).then_some(()).ok_or(format!("{ready:?}"))
    })
    .await;
    let gateway: &Process = world.gateway();
    eventually("the session runs at the other node", async || {
        let found = connected(gateway).await;
        (found == 1).then_some(()).ok_or(format!("{found}"))
    })
    .await;
    assert_eq!(connected(&behind).await, 0, "and there alone");
    let fit = nats::api(world.gateway());
    unfit::answers(&fit, &session).await;
    unfit::refuses(&api, &session).await;
    // What needs no row is answered everywhere.
    for api in [&fit, &api] {
        unfit::shows_itself(api).await;
    }
    // Webhooks are the fit node's: the other one takes none that it could not sign for.
    let hook = Hook::start().await;
    fit.post("/v1/webhooks", &json!({"url": hook.url("/x"), "events": ["*"]})).await.ok(201);
    unfit::answers(&fit, &session).await;
    eventually("the events are delivered", async || {
        let count = hook.got("/x").len();
        if count > 1 { Ok(()) } else { Err(format!("{count}")) }
    })
    .await;
    let failing = "SELECT COUNT(*) FROM webhooks WHERE failing_since IS NOT NULL";
    assert_eq!(world.database().count(world.dir(), failing).await, 0);
    behind.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_began_between_the_look_at_all_and_the_begin_of_a_change_is_named() {
    let mut world = World::start(Backend::Postgres).await;
    let next = world.dir().join("next.key");
    new_key(&next);
    world.start_with_next_key(&next).await;
    // Its lease is there with the mark, and was not before.
    world
        .sql(
            "CREATE FUNCTION comes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             INSERT INTO node_lease (node, renewed_at, expires_at, reads_sealed, knows_keys, seals_with) \
             VALUES ('latecomer', 0, 9999999999999, 1, 'former', 'former'); RETURN NULL; END $$; \
             CREATE TRIGGER comes AFTER INSERT ON meta FOR EACH ROW WHEN (NEW.name = 'master-key-to-be') EXECUTE FUNCTION comes()",
        )
        .await;
    let (done, words) = world.rotates(&next).await;
    assert!(!done && words.contains("latecomer") && words.contains("knows only former"), "{words}");
    assert!(words.contains("nothing is lost") && world.is_being_changed().await, "{words}");
    let (done, words) = world.rotates(&next).await;
    assert!(!done && words.contains("latecomer") && !words.contains("Nothing was changed"), "{words}");
    world.sql("DELETE FROM node_lease WHERE node = 'latecomer'").await;
    let words = world.rotates_in_the_end(&next).await;
    assert!(words.contains("Nothing is sealed with the key"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn payloads_lie_unsealed_as_long_as_a_node_of_an_earlier_release_could_have_to_read_them() {
    let world = World::start(Backend::Postgres).await;
    let session = world.pair(OWNER).await;
    world.sql("INSERT INTO node_lease (node, renewed_at, expires_at) VALUES ('earlier', 0, 9999999999999)").await;
    let shown = async |shown: bool| {
        eventually("payloads are sealed or not", async || {
            let words = format!("for both {shown}");
            let sent = world.send(&session, SILENT, &words).await.ok(201)["messageId"].as_str().unwrap().to_owned();
            world.until_message(&sent, "delivered").await;
            let found = world.payloads_show(&words).await;
            world.sql("DELETE FROM outgoing").await;
            if found == shown { Ok(()) } else { Err(format!("{found}")) }
        })
        .await;
    };
    shown(true).await;
    world.sql("DELETE FROM node_lease WHERE node = 'earlier'").await;
    shown(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_says_what_others_of_the_machine_can_read() {
    use std::os::unix::fs::PermissionsExt as _;
    const OPEN: [&str; 2] = ["can look into the data folder", "can read the master key"];
    let mut world = World::start_with(Backend::Sqlite, &[("WHARF_LOG", "info")]).await;
    let log = world.log();
    assert!(OPEN.iter().all(|words| !log.contains(words)), "{log}");
    world.stop_gateway().await;
    for (name, mode) in [("gateway", 0o755), ("gateway/master.key", 0o644)] {
        std::fs::set_permissions(world.dir().join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }
    world.start_gateway(&[("WHARF_LOG", "info")]).await;
    let log = world.log();
    assert!(OPEN.iter().all(|words| log.contains(words)), "{log}");
}
