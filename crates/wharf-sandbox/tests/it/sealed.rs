//! What a thief of the database has without the master key, and the change of that key.

use serde_json::json;

use crate::bad_days::refused;
use crate::harness::{Backend, Hook, OWNER, SILENT, World, api, both_backends, eventually};

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

    /// `wharf reseal` on this world's database: whether it went well, and what it said.
    async fn reseal(&self, new_key: &std::path::Path) -> (bool, String) {
        self.command(&["reseal", "--new-key-file", new_key.to_str().unwrap()]).await
    }

    /// The same, as soon as no node has a lease any more.
    async fn resealed(&self, new_key: &std::path::Path) -> String {
        eventually("the key is changed", async || match self.reseal(new_key).await {
            (true, words) => Ok(words),
            (false, words) => Err(words),
        })
        .await
    }
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

    async fn a_changed_master_key_opens_everything_and_the_old_one_nothing(backend) {
        let mut world = World::start(backend).await;
        let (session, hook) = (world.pair(OWNER).await, Hook::start().await);
        let webhook = json!({"url": hook.url("/x"), "events": ["*"], "headers": {"X-Own": "secret header"}});
        let secret = world.api().post("/v1/webhooks", &webhook).await.ok(201)["secret"].as_str().unwrap().to_owned();
        let text = json!({"sessionId": session, "to": SILENT, "text": "once"});
        let once = async |world: &World| api::read(world.api().request("POST", "/v1/messages/text").header("idempotency-key", "k").json(&text)).await;
        let first = once(&world).await.ok(201).clone();
        world.until_message(first["messageId"].as_str().unwrap(), "delivered").await;
        let (key, new) = (world.dir().join("gateway/master.key"), world.dir().join("new.key"));
        if backend == Backend::Sqlite {
            let (done, words) = world.reseal(&new).await;
            assert!(!done && words.contains("is in use: stop the gateway"), "{words}");
        }
        world.stop_gateway().await;
        let words = world.resealed(&new).await;
        assert!(words.contains("values are sealed anew, 0 were so before"), "{words}");
        assert!(world.resealed(&new).await.contains("already"), "a second run has nothing to do");
        let words = refused(&world).await;
        assert!(words.contains("another one than the one that sealed"), "{words}");

        std::fs::rename(&new, &key).unwrap();
        world.start_gateway(&[]).await;
        world.until_connected(&session).await;
        assert_eq!(once(&world).await.ok(201), &first, "the stored answer is opened");
        let sent = world.send(&session, SILENT, "under the new key").await.ok(201)["messageId"].as_str().unwrap().to_owned();
        world.until_message(&sent, "delivered").await;
        let got = eventually("it is delivered", async || hook.got("/x").pop().filter(|got| got.body.contains(&sent)).ok_or("not yet".to_owned())).await;
        assert!(got.verifies(&secret) && got.headers["x-own"] == "secret header");
    }

    async fn a_change_of_the_master_key_that_was_cut_off_is_refused_to_start_on_and_goes_on(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        world.stop_gateway().await;
        let (key, new, other) = (world.dir().join("gateway/master.key"), world.dir().join("new.key"), world.dir().join("other.key"));
        let kept = if backend == Backend::Sqlite { "CREATE TABLE kept AS SELECT * FROM vault" } else { "CREATE TABLE kept AS TABLE vault" };
        world.sql(kept).await;
        world.resealed(&new).await;
        // As a kill in the middle leaves it: the mark of the run, the old key's check, one half of the rows under each key.
        let half = "SELECT key FROM kept WHERE LENGTH(key) % 2 = 0";
        world.sql(&format!("DELETE FROM vault WHERE key IN ({half}); INSERT INTO vault SELECT * FROM kept WHERE key IN ({half})")).await;
        let check = world.key_check_under(&key);
        world.sql(&format!(
            "INSERT INTO meta (name, value) SELECT 'master-key-to-be', value FROM meta WHERE name = 'master-key'; \
             UPDATE meta SET value = '{check}' WHERE name = 'master-key'"
        ))
        .await;
        let words = refused(&world).await;
        assert!(words.contains("run `wharf reseal` again"), "{words}");
        let (done, words) = world.reseal(&other).await;
        assert!(!done && words.contains("began with another new key"), "{words}");
        let words = world.resealed(&new).await;
        assert!(!words.contains(" 0 were so before") && !words.contains("neither key"), "{words}");
        std::fs::rename(&new, &key).unwrap();
        world.start_gateway(&[]).await;
        world.until_connected(&session).await;
    }
}

impl World {
    /// The check value that a key in a file leaves in the database.
    fn key_check_under(&self, file: &std::path::Path) -> String {
        use base64::Engine as _;
        let base64 = base64::engine::general_purpose::STANDARD;
        let key: [u8; 32] = base64.decode(std::fs::read_to_string(file).unwrap().trim()).unwrap().try_into().unwrap();
        let installation = std::fs::read_to_string(self.dir().join("gateway/database-id")).unwrap();
        let seal = wharf_core::seal::Seal::new(&key, std::sync::Arc::new(wharf_core::chance::SystemChance));
        base64.encode(seal.close(&wharf_core::seal::place::KEY_CHECK, installation.trim().as_bytes()))
    }
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
