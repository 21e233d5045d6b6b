//! The folder of files in trouble: what is away costs no received file its tries, and what is damaged goes nowhere.

use std::path::PathBuf;

use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::harness::api::read;
use crate::harness::{OWNER, Reply, SILENT, World, both_backends, eventually};
use crate::media::{file, files, hash, upload};

const SIZE: usize = 200_009;
/// Longer than the longest pause between two tries.
const HALF_A_DAY: u64 = 13 * 60 * 60;

fn folder(world: &World) -> PathBuf {
    world.dir().join("gateway/media")
}

/// The one file in the store.
fn stored(world: &World) -> PathBuf {
    let all = files(&folder(world));
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].clone()
}

async fn metric(world: &World, name: &str) -> String {
    let told = world.operator().get("/metrics").await;
    let text = String::from_utf8_lossy(&told.bytes).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} "))).unwrap_or_else(|| panic!("{name} in {text}"));
    line.to_owned()
}

/// What the node looks at every few seconds.
async fn until_metric(world: &World, name: &str, value: &str) {
    eventually("the metric tells it", async || {
        let shown = metric(world, name).await;
        if shown == value { Ok(()) } else { Err(shown) }
    })
    .await;
}

async fn send(world: &World, session: &str, media: &str) -> Reply {
    let body = json!({"sessionId": session, "to": SILENT, "mediaType": "document", "mediaId": media});
    world.api().post("/v1/messages/media", &body).await
}

fn is_refused(reply: &Reply, word: &str) {
    let details = reply.refused(ErrorCode::ResourceNotFound);
    assert!(details["reason"].as_str().is_some_and(|reason| reason.contains(word)), "{reply:?}");
}

both_backends! {
    async fn a_file_store_that_is_away_for_days_costs_a_received_file_no_try_and_mends_itself(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let away = world.dir().join("away");
        std::fs::rename(folder(&world), &away).unwrap();
        let body = json!({"type": "document", "size": 300_000});
        let wa_id = world.writes_as(SILENT, OWNER, body).await;
        let tries = || world.log().matches("a received file waits for the file store").count();
        // More often than a file that does not come is tried, and over more days.
        for n in 1..=10 {
            eventually("it was looked whether the file can be taken in", async || {
                let tries = tries();
                if tries >= n { Ok(()) } else { Err(format!("{tries} of {n}")) }
            })
            .await;
            world.advance(HALF_A_DAY).await;
        }
        let refused = upload(&world, "", file("document", 1000)).await;
        refused.refused(ErrorCode::ServiceUnavailable);
        until_metric(&world, "wharf_file_store_up", "0.0").await;
        let log = world.log();
        assert_eq!(log.matches("no file can be taken in").count(), 1, "it is told once: {log}");
        assert!(log.contains(folder(&world).to_str().unwrap()), "with the folder: {log}");
        assert!(!folder(&world).exists(), "what is away is not made anew beside");
        world.row(&session, &wa_id, |row| row["mediaStatus"] == "pending").await;

        // Back, but without the folder of unfinished files.
        std::fs::remove_dir_all(away.join("incoming")).unwrap();
        std::fs::rename(&away, folder(&world)).unwrap();
        world.advance(HALF_A_DAY).await;
        let row = world.row(&session, &wa_id, |row| row["mediaStatus"] == "stored").await;
        assert_eq!(row["sizeBytes"], 300_000);
        upload(&world, "", file("document", 1000)).await.ok(201);
        until_metric(&world, "wharf_file_store_up", "1.0").await;
    }

    async fn a_stored_file_that_is_not_what_was_taken_in_is_neither_served_nor_sent(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let bytes = file("document", SIZE);
        let media = upload(&world, "", bytes.clone()).await.ok(201)["mediaId"].as_str().unwrap().to_owned();
        let place = format!("/v1/media/{media}");
        // As it was taken in, it goes out and can be forwarded.
        let sent = send(&world, &session, &media).await.ok(201)["messageId"].as_str().unwrap().to_owned();
        world.until_message(&sent, "delivered").await;
        assert_eq!(hash(&world.api().get(&place).await.bytes), hash(&bytes));
        let forward = async || world.api().post(&format!("/v1/messages/{sent}/forward"), &json!({"to": SILENT})).await;
        let shown = world.ledger(SILENT).await.len();
        let path = stored(&world);

        // Cut, as a full disk or half a restore leaves it.
        std::fs::write(&path, &bytes[..1000]).unwrap();
        is_refused(&send(&world, &session, &media).await, "damaged");
        is_refused(&forward().await, "damaged");
        is_refused(&world.api().get(&place).await, "damaged");
        let part = read(world.api().request("GET", &place).header("range", "bytes=0-99")).await;
        is_refused(&part, "damaged");

        // Of the same size, but another.
        let mut other = bytes.clone();
        other[SIZE / 2] ^= 1;
        std::fs::write(&path, &other).unwrap();
        is_refused(&send(&world, &session, &media).await, "damaged");
        is_refused(&forward().await, "damaged");
        // The answer breaks off before its last bytes, if its head has left before that is known.
        if let Ok(answer) = world.api().request("GET", &place).send().await {
            assert_eq!(answer.status().as_u16(), 200);
            assert!(answer.bytes().await.is_err(), "nobody takes it for the whole file");
        }

        // Gone.
        std::fs::remove_file(&path).unwrap();
        is_refused(&send(&world, &session, &media).await, "gone");
        is_refused(&world.api().get(&place).await, "gone");

        let log = world.log();
        assert!(log.contains(&media) && log.contains("another size") && log.contains("hash is another"), "{log}");
        assert_ne!(metric(&world, "wharf_media_damaged_total").await, "0.0");
        assert_eq!(world.ledger(SILENT).await.len(), shown, "nobody was shown any of it");

        // Put back, it is what it was.
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &bytes).unwrap();
        let sent = send(&world, &session, &media).await;
        world.until_message(sent.ok(201)["messageId"].as_str().unwrap(), "delivered").await;
        let ledger = world.ledger(SILENT).await;
        let opened: Vec<&Value> = ledger.iter().map(|entry| &entry["media"]["sha256"]).collect();
        assert!(opened.iter().all(|sha256| **sha256 == hash(&bytes)), "{opened:?}");
    }

    async fn files_that_bear_the_mark_of_another_installation_are_not_removed(backend) {
        let mut world = World::start(backend).await;
        world.pair(OWNER).await;
        let media = upload(&world, "", file("document", SIZE)).await.ok(201)["mediaId"].as_str().unwrap().to_owned();
        let mark = folder(&world).join("wharf-installation");
        eventually("the files are marked", async || std::fs::read_to_string(&mark).map_err(|error| error.to_string())).await;
        world.stop_gateway().await;
        // A file of the other installation, as old as those that are swept.
        let known = files(&folder(&world)).into_iter().find(|path| path.ends_with(&media)).expect("the file");
        let theirs = known.with_file_name(format!("{}{}", &media[..media.len() - 4], "0000"));
        std::fs::copy(&known, &theirs).unwrap();
        let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        std::fs::File::options().write(true).open(&theirs).unwrap().set_modified(long_ago).unwrap();
        let own = std::fs::read_to_string(&mark).unwrap();
        std::fs::write(&mark, "another\n").unwrap();
        world.start_gateway(&[]).await;
        eventually("it says why it removes nothing", async || {
            let log = world.log();
            if log.contains("the mark of another installation") { Ok(()) } else { Err(log) }
        })
        .await;
        assert!(theirs.exists());
        assert_eq!(world.api().get(&format!("/v1/media/{media}")).await.status, 200, "its own are served all the same");

        // The operator says that nobody else needs them.
        std::fs::remove_file(&mark).unwrap();
        world.stop_gateway().await;
        world.start_gateway(&[]).await;
        eventually("what nobody knows is removed", async || if theirs.exists() { Err("it is there".to_owned()) } else { Ok(()) }).await;
        assert!(known.exists());
        assert_eq!(std::fs::read_to_string(&mark).unwrap(), own, "the same installation as before");
    }

    async fn a_clock_that_leaps_ahead_fails_expires_and_removes_nothing_until_it_is_believed(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let doubting = [("WHARF_CLOCK_DOUBT_SECS", "3600")];
        world.stop_gateway().await;
        world.start_gateway(&doubting).await;
        world.until_connected(&session).await;
        world.operator().put("/v1/admin/whatsapp/switches", &json!({"sendingPaused": true})).await.ok(200);
        let queued = world.send(&session, SILENT, "not yet").await.ok(201)["messageId"].as_str().unwrap().to_owned();
        upload(&world, "", file("document", SIZE)).await.ok(201);
        let path = stored(&world);
        world.advance(40 * 24 * 60 * 60).await;
        // At once, and after a restart with the wrong date.
        for _ in 0..2 {
            eventually("the clock is doubted", async || {
                let log = world.log();
                if log.contains("more than a day ahead") { Ok(()) } else { Err(log) }
            })
            .await;
            assert_eq!(metric(&world, "wharf_clock_doubted").await, "1.0");
            world.stop_gateway().await;
            world.start_gateway(&doubting).await;
        }
        world.until_message(&queued, "queued").await;
        assert!(path.exists());

        // Believed, it does all of it.
        world.stop_gateway().await;
        world.start_gateway(&[]).await;
        world.until_message(&queued, "failed").await;
        eventually("the file's time is over", async || if path.exists() { Err("it is there".to_owned()) } else { Ok(()) }).await;
        assert_eq!(metric(&world, "wharf_clock_doubted").await, "0.0");
        assert_eq!(world.ledger(SILENT).await, Vec::<Value>::new());
    }
}
