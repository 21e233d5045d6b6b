//! Forwarding files: what was sent and what was received, from the file that is kept, for as long as it is kept.

use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::answers::{carrying, kinds};
use crate::harness::checker::Ground;
use crate::harness::{Backend, OWNER, Reply, World, assert_includes, both_backends, eventually};
use crate::media::{MB, file, files, hash};
use crate::protobuf::Proto;

const OTHER: &str = "15550002001";

async fn forward(world: &World, message: &Value) -> Reply {
    let path = format!("/v1/messages/{}/forward", message["messageId"].as_str().unwrap());
    world.api().post(&path, &json!({"to": OTHER})).await
}

both_backends! {
    async fn every_kind_of_file_sent_or_received_is_forwarded_with_its_bytes_and_fields(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        for (name, more) in kinds() {
            let out = world.post(&session, "media", carrying(name, &more)).await.ok(201).clone();
            let mut body = carrying(name, &more);
            body["type"] = body["mediaType"].take();
            let back = world.writes(body).await;
            let back = world.row(&session, &back, |row| row["mediaStatus"] == "stored").await;
            for message in [out, back] {
                let forwarded = forward(&world, &message).await;
                let row = forwarded.ok(201);
                assert_eq!((&row["status"], &row["type"], &row["forwarded"]), (&json!("sent"), &message["type"], &json!(true)), "{row}");
                assert_eq!((&row["mediaId"], &row["caption"]), (&message["mediaId"], &more["caption"]), "{row}");
                let shown = world.shown_at(OTHER, row).await;
                let media = &shown["media"];
                assert_eq!((&shown["forwarded"], &media["type"]), (&json!(true), &message["type"]), "{shown}");
                assert_eq!((&media["sha256"], &media["promisedSha256"]), (&json!(hash(&file(name, 2000))), &media["sha256"]), "{shown}");
                assert_eq!((&media["caption"], &media["fileName"]), (&more["caption"], &more["fileName"]), "{shown}");
                assert_eq!((&media["voice"], &shown["copies"]), (&json!(name == "voice"), &json!(1)), "{shown}");
                assert!(shown["quoted"].is_null() && shown["mentions"].is_null(), "{shown}");
            }
        }
        // A forwarded file is the file that was there: none was written anew.
        assert_eq!(files(&world.dir().join("gateway/media")).len(), 12);
    }

    async fn what_came_without_a_file_is_forwarded_where_its_kind_can_be_and_refused_by_name_where_not(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let first = world.writes(json!({"text": "to be answered"})).await;
        let contacts = Proto::default().bytes(1, "Ada").bytes(16, "BEGIN:VCARD\nVERSION:3.0\nFN:Ada\nTEL;waid=15551000001:+15551000001\nEND:VCARD");
        let poll = json!({"type": "poll", "question": "When?", "options": ["now", "later", "never"], "selectableCount": 2});
        let said = [
            (world.writes(json!({"text": "see https://example.com, @Ada", "replyTo": first, "mentions": [OTHER]})).await, json!({"type": "text", "text": "see https://example.com, @Ada"})),
            (world.writes(json!({"type": "location", "latitude": 1.5, "longitude": -2.5, "name": "Gate", "address": "1 Square"})).await,
                json!({"type": "location", "latitude": 1.5, "longitude": -2.5, "name": "Gate", "address": "1 Square"})),
            (world.writes_raw(&Proto::default().message(4, &contacts)).await, json!({"type": "contact"})),
            (world.writes_raw(&Proto::default().message(13, &Proto::default().bytes(1, "two").message(2, &contacts).message(2, &contacts))).await, json!({"type": "contact"})),
            (world.writes(poll).await, json!({"type": "poll", "question": "When?", "options": ["now", "later", "never"], "selectableCount": 2})),
        ];
        for (wa_id, wanted) in &said {
            let message = world.row(&session, wa_id, |_| true).await;
            let forwarded = forward(&world, &message).await;
            let row = forwarded.ok(201);
            assert_eq!((&row["type"], &row["forwarded"], &row["contacts"]), (&message["type"], &json!(true), &message["contacts"]), "{row}");
            assert_eq!((row.get("replyTo"), row.get("mentionIds")), (None, None), "{row}");
            let shown = world.shown_at(OTHER, row).await;
            assert_includes(&shown, wanted);
            let count = |cards: &Value| cards.as_array().map(Vec::len);
            assert_eq!((count(&shown["contacts"]), &shown["forwarded"]), (count(&message["contacts"]), &json!(true)), "{shown}");
            assert!(shown["quoted"].is_null() && shown["mentions"].is_null(), "{shown}");
        }

        let changes = [json!({"type": "reaction", "target": first, "emoji": "👍"}), json!({"type": "edit", "target": first, "text": "anew"})];
        let mut others = Vec::new();
        for change in changes {
            others.push(world.writes(change).await);
        }
        let live = Proto::default().double(1, 1.5).double(2, 2.5).bytes(6, "on my way");
        let event = Proto::default().bytes(3, "Party").bytes(4, "Bring cake");
        let invitation = Proto::default().bytes(1, "1555@g.us").bytes(2, "code").bytes(4, "The crew");
        for (field, inner) in [(18, live), (75, event), (28, invitation), (43, Proto::default().bytes(2, "Yes please"))] {
            others.push(world.writes_raw(&Proto::default().message(field, &inner)).await);
        }
        for wa_id in &others {
            let message = world.row(&session, wa_id, |_| true).await;
            let refused = forward(&world, &message).await;
            assert_eq!(refused.refused(ErrorCode::UnsupportedOperation)["reason"], "a message of this kind cannot be forwarded", "{message}");
        }
        let gone = world.writes(json!({"text": "no more"})).await;
        world.writes(json!({"type": "delete", "target": gone})).await;
        let gone = world.row(&session, &gone, |row| row["type"] == "deleted").await;
        assert_eq!(forward(&world, &gone).await.refused(ErrorCode::UnsupportedOperation)["reason"], "the message is deleted");
        let ledger = world.ledger(OTHER).await;
        assert_eq!(ledger.iter().filter(|entry| entry["sender"] == OWNER).count(), said.len(), "{ledger:?}");
    }

    async fn killed_at_each_gap_a_file_is_forwarded_once_and_stays_where_it_was(backend) {
        let mut world = World::start(backend).await;
        let kill_file = world.dir().join("kill");
        let session = world.pair(OWNER).await;
        world.stop_gateway().await;
        let env = [("WHARF_KILL_FILE", kill_file.to_str().unwrap())];
        world.start_gateway(&env).await;
        world.until_connected(&session).await;
        let sent = world.post(&session, "media", carrying("document", &json!({}))).await.ok(201).clone();
        let path = format!("/v1/messages/{}/forward", sent["messageId"].as_str().unwrap());
        for gap in ["M3-uploaded", "S0-accepted", "S3-written", "S4-acked"] {
            world.until_connected(&session).await;
            std::fs::write(&kill_file, gap).unwrap();
            let post = |api: crate::harness::Api| {
                let request = api.request("POST", &path).header("idempotency-key", gap).json(&json!({"to": OTHER}));
                async move { request.send().await }
            };
            // The answer is cut off with the process.
            drop(post(world.api()).await);
            world.gateway().ended().await;
            assert!(!kill_file.exists(), "it died at {gap}");
            world.start_gateway(&env).await;
            world.until_connected(&session).await;
            // For a while the key is in use.
            let row = eventually("the file is forwarded", async || {
                let answer = post(world.api()).await.map_err(|error| error.to_string())?;
                let (status, answer) = (answer.status(), answer.json::<Value>().await.map_err(|error| error.to_string())?);
                if status == 201 { Ok(answer) } else { Err(answer.to_string()) }
            })
            .await;
            world.until_message(row["data"]["messageId"].as_str().unwrap(), "delivered").await;
        }
        let ledger = world.ledger(OTHER).await;
        let shown = ledger.iter().filter(|entry| entry["media"]["sha256"] == hash(&file("document", 2000))).count();
        assert_eq!(shown, 4, "one for each request: {ledger:?}");
        assert_eq!(files(&world.dir().join("gateway/media")).len(), 1);
        Ground::of(OWNER, &session).is_sound(&world, None).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_opened_once_or_could_not_be_fetched_is_not_forwarded() {
    let mut world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    let once = world.post(&session, "media", carrying("image", &json!({"viewOnce": true}))).await.ok(201).clone();
    forward(&world, &once).await.refused(ErrorCode::UnsupportedOperation);
    let theirs = world.writes(json!({"type": "image", "size": 500, "viewOnce": true})).await;
    let theirs = world.row(&session, &theirs, |row| row["mediaStatus"] == "stored").await;
    forward(&world, &theirs).await.refused(ErrorCode::UnsupportedOperation);

    let large = world.writes(json!({"type": "document", "size": 100 * MB + 1})).await;
    let large = world.row(&session, &large, |row| row["mediaStatus"] == "failed").await;
    let refused = forward(&world, &large).await;
    assert_eq!(refused.refused(ErrorCode::ResourceNotFound)["reason"], "the file could not be fetched from WhatsApp");

    // The media servers have lost the file: it is asked for again and again.
    world.stop_gateway().await;
    let waiting = world.writes(json!({"type": "document", "size": 500})).await;
    for path in files(&world.dir().join("network/media")) {
        if path.extension().is_none() && path.file_name().is_some_and(|name| name != "port") {
            std::fs::remove_file(path).unwrap();
        }
    }
    world.start_gateway(&[]).await;
    world.until_connected(&session).await;
    let waiting = world.row(&session, &waiting, |row| row["mediaStatus"] == "pending").await;
    let refused = forward(&world, &waiting).await;
    assert_eq!(refused.refused(ErrorCode::Conflict)["reason"], "the file has not been fetched from WhatsApp yet");
    assert!(world.ledger(OTHER).await.is_empty());
}
