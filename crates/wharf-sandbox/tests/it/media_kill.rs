//! kill -9 while files are sent: a message that was accepted comes with its file, once, and no file stays that nobody has.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::harness::checker::{Ground, Promise};
use crate::harness::{OWNER, SILENT, World, both_backends, eventually};
use crate::media::{file, files, hash};

both_backends! {
    async fn killed_at_each_gap_of_a_file_there_is_one_message_with_its_file_or_none(backend) {
        let mut world = World::start(backend).await;
        let kill_file = world.dir().join("kill");
        let session = world.pair(OWNER).await;
        world.stop_gateway().await;
        let env = [("WHARF_KILL_FILE", kill_file.to_str().unwrap())];
        world.start_gateway(&env).await;
        let mut ground = Ground::of(OWNER, &session);
        let gaps = ["M1-stored", "M2-recorded", "M3-uploaded", "S0-accepted", "S2-encrypted", "S3-written", "S4-acked"];
        for gap in gaps {
            world.until_connected(&session).await;
            std::fs::write(&kill_file, gap).unwrap();
            let bytes = [file("document", 300_000), gap.as_bytes().to_vec()].concat();
            let body = json!({"sessionId": session, "to": SILENT, "mediaType": "document", "data": STANDARD.encode(&bytes), "fileName": "a.pdf"});
            let post = |api: crate::harness::Api| {
                let request = api.request("POST", "/v1/messages/media").header("idempotency-key", gap).json(&body);
                async move { request.send().await }
            };
            let cut = post(world.api()).await;
            assert!(cut.is_err() || gap.starts_with('S'), "{gap}");
            world.gateway().ended().await;
            assert!(!kill_file.exists(), "it died at {gap}");
            world.start_gateway(&env).await;
            world.until_connected(&session).await;
            // The client tries again with its key, as clients do: for a while the key is in use.
            let sent = eventually("the file is sent", async || {
                let answer = post(world.api()).await.map_err(|error| error.to_string())?;
                let (status, answer) = (answer.status(), answer.json::<serde_json::Value>().await.map_err(|error| error.to_string())?);
                if status == 201 { Ok(answer) } else { Err(answer.to_string()) }
            })
            .await;
            let id = sent["data"]["messageId"].as_str().unwrap().to_owned();
            ground.accepted.insert(id.clone(), Promise { at: SILENT, text: None });
            world.until_message(&id, "delivered").await;
            let ledger = world.ledger(SILENT).await;
            let shown: Vec<_> = ledger.iter().filter(|entry| entry["media"]["sha256"] == hash(&bytes)).collect();
            assert_eq!(shown.len(), 1, "{gap}: {ledger:?}");
        }
        ground.is_sound(&world, None).await;
        // What a death left half written went with the next start.
        let folder = world.dir().join("gateway/media");
        assert!(files(&folder.join("incoming")).is_empty());
        // The first three gaps left a file without a message, the first of them one without a row: that one goes as soon as it
        // is old enough to be on its way to no row.
        assert_eq!(files(&folder).len(), gaps.len() + 3);
        world.stop_gateway().await;
        for file in files(&folder) {
            let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
            std::fs::File::options().write(true).open(file).unwrap().set_modified(long_ago).unwrap();
        }
        world.start_gateway(&[]).await;
        eventually("the file without a row is gone", async || {
            let left = files(&folder).len();
            if left == gaps.len() + 2 { Ok(()) } else { Err(format!("{left} files")) }
        })
        .await;
    }
}
