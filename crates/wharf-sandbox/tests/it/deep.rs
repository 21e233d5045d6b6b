//! `doctor --deep`: a healthy database and its files have no fault, and each fault that is made by hand is found by its name.

use serde_json::json;

use crate::harness::process::program;
use crate::harness::{Backend, Hook, OWNER, SILENT, World, both_backends};

const HEALTHY: &str = "lost 0, doubled 0, wrong 0, stale 0";
/// An id that nothing has.
const NONE: &str = "00000000000000000000000000000000";

impl World {
    /// What the deep look says, and whether it passes.
    pub async fn deep(&self) -> (bool, String) {
        self.deep_with(&[]).await
    }

    /// The same with variables in its environment.
    pub async fn deep_with(&self, env: &[(&str, &str)]) -> (bool, String) {
        let mut command = tokio::process::Command::new(program("wharf-sandbox"));
        command.args(["doctor", "--deep"]).envs(env.iter().copied()).env("WHARF_DATA_DIR", self.dir().join("gateway"));
        if let Some(url) = self.database().url() {
            command.env("WHARF_DATABASE_URL", url);
        }
        let output = command.output().await.unwrap();
        let code = output.status.code().expect("it ends by itself");
        let words = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(matches!(code, 0 | 1), "{code}: {words}");
        (code == 0, words)
    }

    pub async fn is_healthy(&self) {
        let (ok, words) = self.deep().await;
        assert!(ok && words.contains(HEALTHY), "{words}");
    }

    async fn runs(&self, sql: &str) {
        self.database().execute(&self.dir().join("gateway"), sql).await;
    }

    /// Breaks, looks, mends: the kind is named with what it is, and it is the only one.
    async fn finds(&self, (breaks, mends): (&str, &str), summary: &str, kind: &str) {
        self.runs(breaks).await;
        let (ok, words) = self.deep().await;
        assert!(words.contains(summary) && words.contains(kind), "{kind}, {summary}: {words}");
        assert_eq!(ok, summary.starts_with("lost 0, doubled 0, wrong 0"), "{kind}: {words}");
        self.runs(mends).await;
    }
}

both_backends! {
    async fn a_healthy_database_has_no_fault_and_each_that_is_made_is_found_by_its_name(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let hook = Hook::start().await;
        world.api().post("/v1/webhooks", &json!({"url": hook.url("/x"), "events": ["*"]})).await.ok(201);
        let out = world.send(&session, SILENT, "out").await.ok(201)["whatsappId"].as_str().unwrap().to_owned();
        let text = world.writes(json!({"text": "in"})).await;
        world.row(&session, &text, |_| true).await;
        let sent = world.writes(json!({"type": "document", "size": 1000})).await;
        let file = world.row(&session, &sent, |row| row["mediaStatus"] == "stored").await["mediaId"].as_str().unwrap().to_owned();
        // A gateway runs, and is not disturbed.
        let (ok, words) = world.deep().await;
        assert!(ok && words.contains(HEALTHY) && words.contains("a gateway runs on it"), "{words}");
        world.send(&session, SILENT, "after the look").await.ok(201);
        world.stop_gateway().await;
        // Its lease outlives it by a moment.
        world.runs("DELETE FROM node_lease; UPDATE sessions SET status = 'connected'").await;
        world.is_healthy().await;

        rows(&world, backend, &session, [&text, &out]).await;
        world.is_healthy().await;
        links(&world, &session, &sent, &out).await;
        world.is_healthy().await;
        files(&world, &file).await;
        world.is_healthy().await;

        // Another program's schema is not looked through, and nothing is migrated.
        world.runs("UPDATE _sqlx_migrations SET version = version + 100 WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)").await;
        let (ok, words) = world.deep().await;
        assert!(!ok && words.contains("the schema is at migration 1"), "{words}");
    }
}

const LOST: &str = "lost 1, doubled 0, wrong 0, stale 0";
const DOUBLED: &str = "lost 0, doubled 1, wrong 0, stale 0";
const WRONG: &str = "lost 0, doubled 0, wrong 1, stale 0";
const STALE: &str = "lost 0, doubled 0, wrong 0, stale 1";

/// A copy of a message under another id, and what takes it away again.
fn copied(wa_id: &str, as_wa_id: &str, status: &str, chat: &str) -> (String, String) {
    let id = format!("msg_{NONE}");
    let copy = format!(
        "INSERT INTO messages (id, account_id, session_id, wa_id, direction, status, chat, chat_key, content, created_at, expires_at) \
         SELECT '{id}', account_id, session_id, '{as_wa_id}', direction, '{status}', {chat}, chat_key, content, created_at, 9999999999999 \
         FROM messages WHERE wa_id = '{wa_id}'"
    );
    (copy, format!("DELETE FROM messages WHERE id = '{id}'"))
}

/// What a row says by itself.
async fn rows(world: &World, backend: Backend, session: &str, [text, out]: [&str; 2]) {
    let nonsense = r#"{"type":"location","latitude":null,"longitude":null}"#;
    let breaks = format!("UPDATE messages SET error_reason = content, content = '{nonsense}' WHERE wa_id = '{text}'");
    let mends = format!("UPDATE messages SET content = error_reason, error_reason = NULL WHERE wa_id = '{text}'");
    world.finds((&breaks, &mends), WRONG, "messages that cannot be read: msg_").await;

    let of_session = match backend {
        Backend::Sqlite => format!("session = (SELECT number FROM sessions WHERE id = '{session}')"),
        Backend::Postgres => format!("session_id = '{session}'"),
    };
    let newest = format!("number = (SELECT MAX(number) FROM events WHERE {of_session})");
    let change = |what: &str| format!("UPDATE events SET {what} WHERE {newest}");
    world.runs(&format!("CREATE TABLE kept_event AS SELECT data FROM events WHERE {newest}")).await;
    let mends = change("data = (SELECT data FROM kept_event)");
    // On SQLite what an event tells may also be packed.
    let unreadable: &[&str] = if backend == Backend::Sqlite { &["'{'", "x'ff'"] } else { &["'{'"] };
    for data in unreadable {
        world.finds((&change(&format!("data = {data}")), &mends), WRONG, "events that cannot be read: evt_").await;
    }
    let (up, down) = (change("sequence = sequence + 1"), change("sequence = sequence - 1"));
    world.finds((&up, &down), LOST, "gaps in the numbers of a session's events, before: evt_").await;
    world.finds((&down, &up), DOUBLED, "events of one number in one session: evt_").await;

    world.runs("CREATE TABLE kept AS SELECT * FROM outgoing").await;
    let bytes = if backend == Backend::Sqlite { "x'ff'" } else { r"'\xff'::bytea" };
    let breaks = format!("UPDATE outgoing SET payload = {bytes} WHERE message = (SELECT MIN(message) FROM outgoing)");
    let mends = "DELETE FROM outgoing; INSERT INTO outgoing SELECT * FROM kept";
    world.finds((&breaks, mends), WRONG, "messages whose payload cannot be read: msg_").await;

    world.runs("CREATE TABLE kept_vault AS SELECT * FROM vault; CREATE TABLE kept_webhooks AS SELECT * FROM webhooks").await;
    let one = "(session_id, space, key) = (SELECT session_id, space, key FROM vault ORDER BY space LIMIT 1)";
    let breaks = format!("UPDATE vault SET value = {bytes} WHERE {one}");
    let mends = "DELETE FROM vault; INSERT INTO vault SELECT * FROM kept_vault";
    world.finds((&breaks, mends), WRONG, "values of sessions that the master key does not open: ses_").await;
    let secret = "UPDATE webhooks SET secret = (SELECT k.secret FROM kept_webhooks k WHERE k.number = webhooks.number)";
    let breaks = format!("UPDATE webhooks SET secret = {bytes}");
    world.finds((&breaks, secret), WRONG, "webhooks whose secret the master key does not open: whk_").await;
    let events = "UPDATE webhooks SET events = (SELECT k.events FROM kept_webhooks k WHERE k.number = webhooks.number)";
    world.finds(("UPDATE webhooks SET events = '['", events), WRONG, "webhooks whose rows cannot be read: number").await;

    let (breaks, mends) = copied(text, text, "received", "'15550009998@s.whatsapp.net'");
    world.finds((&breaks, &mends), DOUBLED, "messages of one WhatsApp id in one session and direction: msg_").await;
    let (breaks, mends) = copied(out, "OTHER", "queued", "chat");
    world.finds((&breaks, &mends), LOST, "queued messages without a payload: msg_").await;

    let wrong = ("UPDATE sessions SET status = 'odd'", "UPDATE sessions SET status = 'connected'");
    world.finds(wrong, WRONG, "sessions that cannot be read: ses_").await;
    let moved = |to: &str| format!("UPDATE messages SET session_id = '{to}' WHERE wa_id = '{text}'");
    world.finds((&moved(&format!("ses_{NONE}")), &moved(session)), WRONG, "messages without a session: msg_").await;
}

/// What hangs on other rows, and what should have gone on.
async fn links(world: &World, session: &str, sent: &str, out: &str) {
    let parts = [
        ("message_receipts", "INSERT INTO message_receipts (message, person) VALUES (999999, 'x')", "receipts of members without"),
        ("message_steps", "INSERT INTO message_steps (message, status, at) VALUES (999999, 'sent', 1)", "steps without their message"),
        (
            "originals",
            "INSERT INTO originals (message, account_id, event, content) VALUES (999999, 'x', 1, '{}')",
            "first words of texts without their message",
        ),
        (
            "outgoing",
            "INSERT INTO outgoing (message, payload, attempts) SELECT 999999, payload, 0 FROM kept LIMIT 1",
            "places in the queue without their message: number 999999",
        ),
    ];
    for (table, breaks, kind) in parts {
        world.finds((breaks, &format!("DELETE FROM {table} WHERE message = 999999")), WRONG, kind).await;
    }
    let owed = |webhook: &str, event: &str| {
        format!(
            "INSERT INTO deliveries (webhook, event, state, next_at, tries, log) SELECT {webhook}, {event}, 'pending', 0, 0, '' FROM events LIMIT 1"
        )
    };
    let mends = "DELETE FROM deliveries WHERE webhook = 999999 OR event = 999999";
    world.finds((&owed("999999", "number"), mends), STALE, "deliveries without their webhook: webhook 999999").await;
    let breaks = owed("(SELECT MIN(number) FROM webhooks)", "999999");
    world.finds((&breaks, mends), WRONG, "deliveries without their event").await;

    let fetch = |media: &str, message: &str, due_at: &str| {
        format!(
            "INSERT INTO media_fetches (media_id, session_id, message_id, source, attempts, due_at) \
             SELECT {media}, '{session}', {message}, payload, 0, {due_at} FROM kept LIMIT 1"
        )
    };
    let (media, message) = ("(SELECT MIN(id) FROM media)", format!("(SELECT id FROM messages WHERE wa_id = '{sent}')"));
    let none = "DELETE FROM media_fetches";
    let breaks = fetch(&format!("'med_{NONE}'"), &message, "9999999999999");
    world.finds((&breaks, none), WRONG, "files to be fetched without their row or their message").await;
    world
        .finds((&fetch(media, "'msg_gone'", "9999999999999"), none), WRONG, "files to be fetched without their row or their message")
        .await;
    world.finds((&fetch(media, &message, "1"), none), STALE, "files that should have been fetched long ago").await;

    let queued = |more: &str| format!("UPDATE messages SET status = 'queued', expires_at = {more} WHERE wa_id = '{out}'");
    let done = format!("UPDATE messages SET status = 'sent' WHERE wa_id = '{out}'");
    world.finds((&queued("1"), &done), STALE, "messages that are queued long after their time: msg_").await;
    let node = (
        "INSERT INTO node_lease (node, renewed_at, expires_at) VALUES ('another', 1, 9999999999999)",
        "DELETE FROM node_lease WHERE node = 'another'",
    );
    world.finds(node, STALE, "linked sessions that nobody owns: ses_").await;
    let breaks = format!("{}; UPDATE outgoing SET claimed_at = 1; {}", node.0, queued("9999999999999"));
    let two = STALE.replace("stale 1", "stale 2");
    world
        .finds((&breaks, &format!("{}; {done}", node.1)), &two, "messages that were claimed long ago, in sessions that nobody owns: msg_")
        .await;
}

/// Files and their rows.
async fn files(world: &World, file: &str) {
    world.runs("CREATE TABLE kept_media AS SELECT * FROM media").await;
    let gone = ("DELETE FROM media", "INSERT INTO media SELECT * FROM kept_media");
    world.finds(gone, WRONG, "messages that name a file without a row: msg_").await;
    let turned = |from: &str, to: &str| {
        let state = |state: &str| format!("\"mediaStatus\":\"{state}\"");
        format!("UPDATE messages SET content = REPLACE(content, '{}', '{}') WHERE content LIKE '%{file}%'", state(from), state(to))
    };
    world.finds((&turned("stored", "pending"), &turned("pending", "stored")), LOST, "messages whose file nobody fetches: msg_").await;
    let odd = ("UPDATE media SET state = 'odd'", "UPDATE media SET state = 'stored'");
    world.finds(odd, WRONG, &format!("files whose rows cannot be read: {file}")).await;

    let shard = &file[4..10];
    let path = world.dir().join("gateway/media").join(shard).join(file);
    let bytes = std::fs::read(&path).unwrap();
    let finds = async |summary: &str, kind: &str| {
        let (ok, words) = world.deep().await;
        assert!(!ok && words.contains(summary) && words.contains(&format!("{kind}: {file}")), "{words}");
        std::fs::write(&path, &bytes).unwrap();
    };
    std::fs::remove_file(&path).unwrap();
    finds(LOST, "files that are not in the store").await;
    for other in [[bytes.as_slice(), b"x"].concat(), bytes[1..].to_vec()] {
        std::fs::write(&path, other).unwrap();
        finds(WRONG, "files of another size than their row says").await;
    }
    let mut flipped = bytes.clone();
    flipped[10] ^= 1;
    std::fs::write(&path, flipped).unwrap();
    finds(WRONG, "files whose bytes are not those that were stored").await;
}
