//! Files that people send: fetched after their messages are stored, opened, checked and served.

use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::harness::checker::Ground;
use crate::harness::{ECHO, OWNER, SILENT, World, both_backends, eventually};
use crate::media::{MB, files, hash};

/// A person sends a file to the session's account; gives what the network says of it.
async fn person_sends(world: &World, body: Value) -> Value {
    let mut body = body;
    body["to"] = json!(OWNER);
    let sent = world.control().post(&format!("/control/phones/{SILENT}/send"), &body).await;
    assert_eq!(sent.status, 200, "{sent:?}");
    sent.data().clone()
}

/// The message as the API shows it, once its file is in that state.
async fn received(world: &World, session: &str, wa_id: &Value, state: &str) -> Value {
    let api = world.api();
    eventually(&format!("the file is {state}"), async || {
        let list = api.get(&format!("/v1/messages?sessionId={session}&direction=incoming")).await;
        let rows = list.data().as_array().cloned().unwrap_or_default();
        let found = rows.into_iter().find(|row| row["whatsappId"] == *wa_id && row["mediaStatus"] == state);
        found.ok_or(format!("{:?}", list.json))
    })
    .await
}

both_backends! {
    async fn every_kind_that_a_person_sends_is_served_with_the_same_bytes(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        for (kind, more) in [
            ("image", json!({"caption": "look"})),
            ("video", json!({"caption": "watch", "seconds": 7})),
            ("audio", json!({"seconds": 3})),
            ("audio", json!({"voice": true, "seconds": 4})),
            ("document", json!({"fileName": "Bericht.pdf", "caption": "read"})),
            ("sticker", json!({})),
            ("image", json!({"viewOnce": true, "caption": "once"})),
            ("video", json!({"viewOnce": true, "seconds": 2})),
            ("audio", json!({"viewOnce": true, "voice": true, "seconds": 5})),
        ] {
            let mut body = json!({"type": kind, "size": 300_001});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let sent = person_sends(&world, body).await;
            let shown = received(&world, &session, &sent["id"], "stored").await;
            assert_eq!((&shown["type"], &shown["sha256"], &shown["sizeBytes"]), (&json!(kind), &sent["sha256"], &json!(300_001)), "{shown}");
            for (name, value) in more.as_object().unwrap() {
                let name = if name == "seconds" { "durationSeconds" } else { name };
                assert_eq!(&shown[name], value, "{name} of {shown}");
            }
            let file = world.api().get(&format!("/v1/media/{}", shown["mediaId"].as_str().unwrap())).await;
            assert_eq!((file.status, hash(&file.bytes)), (200, sent["sha256"].as_str().unwrap().to_owned()));
            assert_eq!(file.header("x-content-type-options"), "nosniff");
        }
        // And what came can be sent on by its id.
        let shown = received(&world, &session, &person_sends(&world, json!({"type": "document", "size": 1000})).await["id"], "stored").await;
        let body = json!({"sessionId": session, "to": ECHO, "mediaType": "document", "mediaId": shown["mediaId"]});
        world.api().post("/v1/messages/media", &body).await.ok(201);
        let stats = world.control().get("/control/stats").await;
        assert_eq!(stats.ok(200)["mediaBare"], 0, "uploads and downloads look like the web client's");
    }

    async fn what_whatsapp_gives_to_phones_alone_is_announced_once_without_a_file(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let sent = person_sends(&world, json!({"type": "image", "size": 500, "viewOnce": true, "withheld": true})).await;
        let row = world.row(&session, sent["id"].as_str().unwrap(), |_| true).await;
        assert_eq!((&row["type"], &row["originalType"], &row["viewOnce"]), (&json!("unsupported"), &json!("view_once"), &json!(true)), "{row}");
        assert_eq!((&row["from"]["phoneNumber"], &row["mediaId"]), (&json!(SILENT), &json!(null)), "{row}");
        let events = world.events("message.received", 1).await;
        assert_eq!((&events[0]["data"]["originalType"], &events[0]["data"]["viewOnce"]), (&json!("view_once"), &json!(true)));
        // The owner's phone has it.
        let shown = world.shown_at(OWNER, &row).await;
        assert_eq!((&shown["media"]["viewOnce"], &shown["media"]["openedSize"]), (&json!(true), &json!(500)), "{shown}");
        let path = format!("/v1/messages/{}", row["messageId"].as_str().unwrap());
        world.api().post(&format!("{path}/forward"), &json!({"to": ECHO})).await.refused(ErrorCode::UnsupportedOperation);
    }

    async fn killed_during_a_download_the_file_comes_all_the_same_and_once(backend) {
        let mut world = World::start(backend).await;
        let kill_file = world.dir().join("kill");
        let session = world.pair(OWNER).await;
        world.stop_gateway().await;
        let env = [("WHARF_KILL_FILE", kill_file.to_str().unwrap())];
        world.start_gateway(&env).await;
        for gap in ["inbound-before-commit", "inbound-after-commit", "M4-fetched", "M5-kept"] {
            world.until_connected(&session).await;
            std::fs::write(&kill_file, gap).unwrap();
            let sent = person_sends(&world, json!({"type": "video", "size": 2 * MB})).await;
            world.gateway().ended().await;
            assert!(!kill_file.exists(), "it died at {gap}");
            world.start_gateway(&env).await;
            let shown = received(&world, &session, &sent["id"], "stored").await;
            assert_eq!(shown["sha256"], sent["sha256"], "{gap}");
        }
        let folder = world.dir().join("gateway/media");
        assert!(files(&folder.join("incoming")).is_empty());
        assert_eq!(files(&folder).len(), 4, "a file each and no more");
        Ground::of(OWNER, &session).is_sound(&world, None).await;
    }
}
