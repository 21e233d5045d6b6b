//! What comes in is shown, once, also where the store stumbles over it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use sqlx::{Connection as _, Executor as _};
use tokio::time::Instant;

use crate::harness::{Backend, Chaos, OWNER, PATIENCE, SILENT, World, both_backends, chaos::Way, eventually};

/// The texts that came in, and how many rows there are.
pub async fn received(world: &World, session: &str) -> (BTreeSet<String>, usize) {
    let (api, mut texts, mut rows, mut cursor) = (world.api(), BTreeSet::new(), 0, String::new());
    loop {
        let page = api.get(&format!("/v1/messages?sessionId={session}&direction=incoming&limit=200{cursor}")).await;
        if page.status != 200 {
            return (BTreeSet::new(), 0);
        }
        for row in page.data().as_array().unwrap() {
            rows += 1;
            texts.extend(row["text"].as_str().map(str::to_owned));
        }
        match page.json["page"]["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (texts, rows),
        }
    }
}

pub async fn until_received(world: &World, session: &str, count: usize) {
    let (mut most, mut moved) = (0, Instant::now());
    loop {
        let (texts, rows) = received(world, session).await;
        if texts.len() == count && rows == count {
            return;
        }
        if rows > most {
            (most, moved) = (rows, Instant::now());
        }
        // A slow database takes its time; what stands still does not.
        assert!(moved.elapsed() < PATIENCE, "not all that was sent is there: {} texts in {rows} rows of {count}", texts.len());
        // A short pause between two looks.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Makes the database refuse the bytes of every row whose content has the word.
const REFUSE: [&str; 2] = [
    "CREATE TRIGGER refuse BEFORE INSERT ON messages WHEN NEW.content LIKE '%poison%' \
     BEGIN SELECT zeroblob(2000000000); END",
    "CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN RAISE data_exception USING MESSAGE = 'no poison'; END $$ LANGUAGE plpgsql; \
     CREATE TRIGGER refuse BEFORE INSERT ON messages FOR EACH ROW WHEN (NEW.content LIKE '%poison%') EXECUTE FUNCTION refuse()",
];

both_backends! {
    async fn a_message_that_the_store_refuses_is_shown_without_content_and_holds_up_no_other(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let data = world.dir().join("gateway");
        world.stop_gateway().await;
        world.database().execute(&data, REFUSE[usize::from(backend == Backend::Postgres)]).await;
        for n in 0..10 {
            let text = if n == 4 { "poison".to_owned() } else { format!("text {n}") };
            world.phone_sends(SILENT, OWNER, &text).await;
        }
        world.start_gateway(&[]).await;
        world.until_connected(&session).await;
        world.phone_sends(SILENT, OWNER, "poison, while it is connected").await;
        world.phone_sends(SILENT, OWNER, "the last").await;
        let api = world.api();
        let rows = eventually("all are there", async || {
            let page = api.get(&format!("/v1/messages?sessionId={session}&direction=incoming&limit=200")).await;
            let rows = page.ok(200).as_array().unwrap().clone();
            (rows.len() == 12).then_some(rows).ok_or(format!("{page:?}"))
        })
        .await;
        let refused = rows.iter().filter(|row| row["type"] == "unsupported" && row["originalType"] == "unstorable");
        assert_eq!(refused.count(), 2, "{rows:?}");
        assert!(rows.iter().all(|row: &Value| !row["text"].as_str().unwrap_or_default().contains("poison")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_commit_fails_comes_again_on_a_new_connection_without_anybodys_help() {
    let mut world = World::start(Backend::Postgres).await;
    let session = world.pair(OWNER).await;
    let mut locker = world.database().connection().await;
    let mut lock = locker.begin().await.unwrap();
    // Keys can be written, rows of messages cannot.
    lock.execute("LOCK TABLE messages IN EXCLUSIVE MODE").await.unwrap();
    world.phone_sends(SILENT, OWNER, "in between").await;
    eventually("the gateway gave up on storing it", async || {
        let log = world.gateway().log();
        log.contains("received messages could not be stored").then_some(()).ok_or(log)
    })
    .await;
    lock.rollback().await.unwrap();
    until_received(&world, &session, 1).await;
    world.until_connected(&session).await;
    world.phone_sends(SILENT, OWNER, "after").await;
    until_received(&world, &session, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_backlog_comes_in_over_a_slow_way_to_the_database() {
    let mut world = World::start_behind_chaos().await;
    let session = world.pair(OWNER).await;
    world.stop_gateway().await;
    for n in 0..400 {
        world.phone_sends(SILENT, OWNER, &format!("text {n}")).await;
    }
    let way: &Chaos = world.chaos();
    way.make(Way::Slow(3));
    world.start_gateway(&[]).await;
    until_received(&world, &session, 400).await;
}
