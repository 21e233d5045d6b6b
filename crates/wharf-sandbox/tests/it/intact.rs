//! A row that cannot be read holds nothing up, and what is not committed is not acknowledged, whatever the database says.

use serde_json::json;
use wharf_api::ErrorCode;
use wharf_api::ids::MessageId;
use wharf_core::Clock as _;
use wharf_core::clock::SystemClock;

use crate::harness::readiness;
use crate::harness::{Backend, OWNER, SILENT, World, both_backends};
use crate::receiving::{received, until_received};

/// What a stranger's place without numbers, or the content of a newer program, would leave in a row.
const NONSENSE: &str = r#"{"type":"location","latitude":null,"longitude":null}"#;

impl World {
    pub async fn sql(&self, sql: &str) {
        self.database().execute(&self.dir().join("gateway"), sql).await;
    }

    async fn damage(&self, wa_id: &str) {
        self.sql(&format!("UPDATE messages SET content = '{NONSENSE}' WHERE wa_id = '{wa_id}'")).await;
    }

    async fn until_ready(&self, ready: bool) {
        readiness::until(&self.api(), "what comes in is refused", ready).await;
    }
}

both_backends! {
    async fn a_row_that_cannot_be_read_holds_up_nothing_that_names_it(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let poll = json!({"question": "When?", "options": ["now", "later"]});
        let poll = world.post(&session, "poll", poll).await.ok(201).clone();
        world.shown(&poll).await;
        let poll_id = poll["whatsappId"].as_str().unwrap();
        let place = world.writes(json!({"type": "location", "latitude": 1.5, "longitude": 2.5})).await;
        let row = world.row(&session, &place, |_| true).await;
        let page = world.writes(json!({"text": "a neighbour"})).await;
        world.row(&session, &page, |_| true).await;
        world.damage(poll_id).await;
        world.damage(&place).await;

        let vote = world.writes(json!({"type": "vote", "target": poll_id, "options": ["now"]})).await;
        let answer = world.writes(json!({"text": "an answer", "replyTo": place})).await;
        let like = world.writes(json!({"type": "reaction", "target": place, "emoji": "👍"})).await;
        let edit = world.writes(json!({"type": "edit", "target": place, "text": "their words"})).await;
        let deletion = world.writes(json!({"type": "delete", "target": place})).await;
        let vote = world.row(&session, &vote, |_| true).await;
        assert_eq!((&vote["type"], &vote["originalType"]), (&json!("unsupported"), &json!("poll_vote")));
        assert_eq!(world.row(&session, &answer, |_| true).await["text"], "an answer");
        assert_eq!(world.row(&session, &like, |_| true).await["emoji"], "👍");
        assert_eq!(world.row(&session, &edit, |_| true).await["text"], "their words");
        assert_eq!(world.row(&session, &deletion, |_| true).await["type"], "deletion");
        world.until_acknowledged(OWNER).await;

        // By the API it stands there without what it says, beside its neighbours.
        let id = row["messageId"].as_str().unwrap();
        let shown = world.api().get(&format!("/v1/messages/{id}")).await.ok(200).clone();
        assert_eq!((&shown["type"], &shown["originalType"], &shown["whatsappId"]), (&json!("unsupported"), &json!("unreadable"), &json!(place)));
        let forward = json!({"to": SILENT});
        world.api().post(&format!("/v1/messages/{id}/forward"), &forward).await.refused(ErrorCode::UnsupportedOperation);
        let (texts, rows) = received(&world, &session).await;
        assert!(texts.contains("a neighbour") && rows == 7, "{texts:?} in {rows}");
        assert!(!world.metric("wharf_unreadable_rows_total 0").await && world.log().contains(id));
        world.until_connected(&session).await;
    }

    async fn a_repeat_of_what_was_never_stored_is_asked_for_again(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        world.phone_sends(SILENT, OWNER, "before").await;
        until_received(&world, &session, 1).await;
        // The ratchet takes its step and is saved, the message is not.
        world.sql("ALTER TABLE events RENAME TO elsewhere").await;
        world.phone_sends(SILENT, OWNER, "decrypted and lost").await;
        world.until_ready(false).await;
        world.stop_gateway().await;
        world.sql("ALTER TABLE elsewhere RENAME TO events; DELETE FROM vault WHERE space = 'pending_inbound'").await;
        world.start_gateway(&[]).await;
        until_received(&world, &session, 2).await;
        world.until_acknowledged(OWNER).await;
        world.events("message.received", 2).await;
        // A repeat of what is there is nothing but that, and so is one of what gets no row.
        assert!(world.metric("wharf_undecryptable_total 1").await);
    }

    async fn a_like_of_a_status_that_the_database_refused_comes_in_at_the_next_start(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let status = liked_in_vain(&mut world, &session).await;
        world.sql("ALTER TABLE elsewhere RENAME TO events").await;
        world.start_gateway(&[]).await;
        world.row(&session, &status, |row| row["reactions"][0]["emoji"] == "👏").await;
        world.events("message.reaction", 1).await;
    }

    async fn a_like_in_the_buffer_that_cannot_be_opened_goes_and_keeps_no_other_there(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        liked_in_vain(&mut world, &session).await;
        let nothing = if backend == Backend::Sqlite { "x'00'" } else { "'\\x00'" };
        // Another one stands before it, as a page that was damaged would leave it.
        let damaged = format!("SELECT session_id, space, 'status@broadcast|0', {nothing} FROM vault WHERE space = 'pending_inbound'");
        world.sql(&format!("ALTER TABLE elsewhere RENAME TO events; INSERT INTO vault (session_id, space, key, value) {damaged}")).await;
        world.start_gateway(&[]).await;
        world.until_connected(&session).await;
        world.events("message.reaction", 1).await;
        assert!(world.metric("wharf_leftovers_dropped_total 1").await);
        world.stop_gateway().await;
        world.start_gateway(&[]).await;
        world.until_connected(&session).await;
        assert!(world.metric("wharf_leftovers_dropped_total 0").await, "it is gone");
        world.events("message.reaction", 1).await;
    }

    async fn a_table_that_is_away_stops_the_intake_and_loses_nothing(backend) {
        let mut world = World::start(backend).await;
        nothing_is_lost(&mut world, "ALTER TABLE events RENAME TO elsewhere", "ALTER TABLE elsewhere RENAME TO events").await;
    }
}

/// Posts a status that is liked while the database refuses events: the like is acknowledged and stands in the library's buffer. Tells the
/// status's id on the wire. Ends the gateway; the table of events is still called `elsewhere`.
async fn liked_in_vain(world: &mut World, session: &str) -> String {
    let status = json!({"sessionId": session, "to": "status", "text": "my day", "audience": [SILENT]});
    let status = world.api().post("/v1/messages/text", &status).await.ok(201).clone();
    world.shown(&status).await;
    world.sql("ALTER TABLE events RENAME TO elsewhere").await;
    let like = json!({"id": status["whatsappId"], "emoji": "👏"});
    world.control().post(&format!("/control/phones/{SILENT}/react"), &like).await.ok(200);
    world.until_ready(false).await;
    world.until_acknowledged(OWNER).await;
    world.stop_gateway().await;
    status["whatsappId"].as_str().unwrap().to_owned()
}

/// Breaks the database, has six texts come in, mends it: all are there, once, and nobody restarted anything.
async fn nothing_is_lost(world: &mut World, breaks: &str, mends: &str) {
    let session = world.pair(OWNER).await;
    world.phone_sends(SILENT, OWNER, "before").await;
    until_received(world, &session, 1).await;
    world.until_ready(true).await;
    world.sql(breaks).await;
    for n in 0..6 {
        world.phone_sends(SILENT, OWNER, &format!("text {n} 👍")).await;
    }
    world.until_ready(false).await;
    let mended = MessageId::first_at(SystemClock.now());
    world.sql(mends).await;
    until_received(world, &session, 7).await;
    // Lists of a time go by ids: they tell when the rows were made, and not when that was tried first.
    let page = world.api().get(&format!("/v1/messages?sessionId={session}&direction=incoming&limit=6")).await;
    let late = page.ok(200).as_array().unwrap();
    // One may be on its way to the database in this very moment: it was made before, and nothing refuses it any more.
    let early = late.iter().filter(|row| row["messageId"].as_str() < Some(mended.as_str())).count();
    assert!(early <= 1, "{mended}: {late:?}");
    world.until_ready(true).await;
    world.until_connected(&session).await;
    world.phone_sends(SILENT, OWNER, "after").await;
    until_received(world, &session, 8).await;
    world.until_acknowledged(OWNER).await;
    let log = world.gateway().log();
    assert_eq!(log.matches("takes no messages until the database is mended").count(), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_of_the_customer_that_raises_stops_the_intake_and_loses_nothing() {
    let mut world = World::start(Backend::Postgres).await;
    let raises = "CREATE FUNCTION audit() RETURNS trigger AS $$ BEGIN RAISE 'the audit is full'; END $$ LANGUAGE plpgsql; \
        CREATE TRIGGER audit BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION audit()";
    nothing_is_lost(&mut world, raises, "DROP TRIGGER audit ON messages").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_that_raises_an_error_of_data_for_every_row_proves_nothing_against_a_message() {
    let mut world = World::start(Backend::Postgres).await;
    let raises = "CREATE FUNCTION audit() RETURNS trigger AS $$ BEGIN RAISE division_by_zero; END $$ LANGUAGE plpgsql; \
        CREATE TRIGGER audit BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION audit()";
    nothing_is_lost(&mut world, raises, "DROP TRIGGER audit ON messages").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sequences_behind_their_tables_stop_the_intake_and_lose_nothing() {
    let mut world = World::start(Backend::Postgres).await;
    let set = |to: &str| {
        let one = |table: &str| format!("SELECT setval(pg_get_serial_sequence('{table}', 'number'), {to} FROM {table}");
        [one("messages"), one("events")].join("; ")
    };
    nothing_is_lost(&mut world, &set("1, false)"), &set("MAX(number) + 10)")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_taken_away_stops_the_intake_and_loses_nothing() {
    let mut world = World::start(Backend::Postgres).await;
    world.stop_gateway().await;
    let role = world.run_as_a_role_of_its_own().await;
    world.start_gateway(&[]).await;
    let (revoke, grant) = (format!("REVOKE INSERT ON events FROM {role}"), format!("GRANT INSERT ON events TO {role}"));
    nothing_is_lost(&mut world, &revoke, &grant).await;
}
