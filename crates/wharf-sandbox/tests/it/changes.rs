//! Edits, deletions and read receipts: made through the API and by people, and not lost or doubled by a death in between.

use serde_json::json;
use wharf_api::ErrorCode;

use crate::answers::carrying;
use crate::harness::checker::Ground;
use crate::harness::{Backend, OWNER, SILENT, World, both_backends, eventually};

both_backends! {
    async fn an_own_text_is_edited_and_deleted_for_everyone(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let sent = world.send(&session, SILENT, "the frist").await.ok(201).clone();
        world.shown(&sent).await;
        let path = format!("/v1/messages/{}", sent["messageId"].as_str().unwrap());

        let edited = world.api().patch(&path, &json!({"text": "the first"})).await;
        let row = edited.ok(200);
        assert_eq!((&row["text"], &row["messageId"], &row["change"]["status"]), (&json!("the first"), &sent["messageId"], &json!("sent")));
        assert!(row["editedAt"].is_string());
        let shown = world.shown(&sent).await;
        assert_eq!((&shown["text"], &shown["edited"], &shown["copies"]), (&json!("the first"), &json!(true), &json!(1)));

        let deleted = world.api().delete(&path).await;
        let row = deleted.ok(200);
        assert_eq!((&row["type"], &row["text"]), (&json!("deleted"), &json!(null)));
        assert!(row["deletedAt"].is_string());
        let shown = world.shown(&sent).await;
        assert_eq!((&shown["deleted"], &shown["text"]), (&json!(true), &json!(null)));

        // Once more changes nothing, and a deleted message can be changed no other way.
        assert!(world.api().delete(&path).await.ok(200)["change"].is_null());
        world.api().patch(&path, &json!({"text": "again"})).await.refused(ErrorCode::UnsupportedOperation);
        let reaction = json!({"messageId": sent["messageId"], "emoji": "👍"});
        world.api().post("/v1/messages/reaction", &reaction).await.refused(ErrorCode::UnsupportedOperation);

        world.events("message.deleted", 1).await;
        let edits = world.events("message.edited", 1).await;
        assert_eq!((&edits[0]["data"]["target"]["messageId"], &edits[0]["data"]["text"]), (&sent["messageId"], &json!("the first")));
    }

    async fn the_words_under_a_file_are_edited_and_the_file_stays(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        for (name, caption) in [("image", Some("look")), ("video", Some("watch")), ("document", Some("read")), ("image", None)] {
            let sent = world.post(&session, "media", carrying(name, &json!({"caption": caption}))).await.ok(201).clone();
            let before = world.shown(&sent).await;
            let path = format!("/v1/messages/{}", sent["messageId"].as_str().unwrap());
            // At the limit, and one past it.
            let longest = "😀".repeat(1024);
            let edited = world.api().patch(&path, &json!({"text": longest})).await;
            let row = edited.ok(200);
            assert_eq!((&row["caption"], &row["type"], &row["change"]["status"]), (&json!(longest), &sent["type"], &json!("sent")), "{row}");
            assert!(row["editedAt"].is_string() && row["text"].is_null(), "{row}");
            let shown = world.shown(&sent).await;
            assert_eq!((&shown["media"]["caption"], &shown["edited"]), (&json!(longest), &json!(true)), "{shown}");
            assert_eq!((&shown["media"]["sha256"], &shown["copies"]), (&before["media"]["sha256"], &json!(1)), "{shown}");
            let refused = world.api().patch(&path, &json!({"text": "😀".repeat(1025)})).await;
            let details = refused.refused(ErrorCode::MessageTooLong);
            assert_eq!((&details["field"], &details["limit"], &details["actual"]), (&json!("text"), &json!(1024), &json!(1025)));
        }
        let edits = world.events("message.edited", 4).await;
        assert_eq!(edits[0]["data"]["text"].as_str().map(|text| text.chars().count()), Some(1024));

        // And a person's, who also takes the words away.
        let theirs = world.writes(json!({"type": "image", "size": 500, "caption": "thier words"})).await;
        let row = world.row(&session, &theirs, |row| row["mediaStatus"] == "stored").await;
        world.writes(json!({"type": "edit", "target": theirs, "text": "their words"})).await;
        let edited = world.row(&session, &theirs, |row| row["caption"] == "their words").await;
        assert_eq!((&edited["mediaId"], &edited["mediaStatus"]), (&row["mediaId"], &json!("stored")));
        assert!(edited["editedAt"].is_string(), "{edited}");
        world.writes(json!({"type": "edit", "target": theirs, "text": ""})).await;
        world.row(&session, &theirs, |row| row["caption"].is_null() && row["type"] == "image").await;
    }

    async fn what_others_edit_and_delete_is_edited_and_deleted_and_nobody_elses(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let mine = world.send(&session, SILENT, "mine").await.ok(201).clone();
        world.shown(&mine).await;
        let theirs = world.writes(json!({"text": "thier words"})).await;
        let row = world.row(&session, &theirs, |_| true).await;
        world.writes(json!({"type": "edit", "target": theirs, "text": "their words"})).await;
        let edited = world.row(&session, &theirs, |row| row["text"] == "their words").await;
        assert_eq!(edited["messageId"], row["messageId"]);

        // Words put into another's mouth are left out: no row, no event, no change.
        world.writes(json!({"type": "edit", "target": mine["whatsappId"], "text": "forged"})).await;
        world.writes(json!({"type": "delete", "target": mine["whatsappId"]})).await;
        let last = world.writes(json!({"type": "delete", "target": theirs})).await;
        world.row(&session, &last, |_| true).await;
        let gone = world.row(&session, &theirs, |row| row["type"] == "deleted").await;
        assert!(gone["text"].is_null() && gone["deletedAt"].is_string(), "{gone}");
        assert_eq!(world.row(&session, mine["whatsappId"].as_str().unwrap(), |_| true).await["text"], "mine");
        world.events("message.edited", 1).await;
        world.events("message.deleted", 1).await;
    }

    async fn a_change_survives_a_death_at_each_gap_and_is_made_once(backend) {
        let mut world = World::start(backend).await;
        let kill_file = world.dir().join("kill");
        let env = [("WHARF_KILL_FILE", kill_file.to_str().unwrap())];
        let session = world.pair(OWNER).await;
        world.stop_gateway().await;
        world.start_gateway(&env).await;
        world.until_connected(&session).await;
        let sent = world.send(&session, SILENT, "before").await.ok(201).clone();
        world.shown(&sent).await;
        let path = format!("/v1/messages/{}", sent["messageId"].as_str().unwrap());
        for gap in ["S0-accepted", "S2-encrypted", "S3-written", "S4-acked", "S5-stored"] {
            world.until_connected(&session).await;
            std::fs::write(&kill_file, gap).unwrap();
            let api = world.api();
            let request = api.request("PATCH", &path).json(&json!({"text": gap})).send();
            // The answer is cut off with the process.
            drop(request.await);
            world.gateway().ended().await;
            world.start_gateway(&env).await;
            world.until_connected(&session).await;
            world.row(&session, sent["whatsappId"].as_str().unwrap(), |row| row["text"] == gap).await;
            eventually("the phone shows the edit", async || {
                let shown = world.shown(&sent).await;
                (shown["text"] == gap).then_some(()).ok_or(shown.to_string())
            })
            .await;
        }
        let ledger = world.ledger(SILENT).await;
        let edits = ledger.iter().filter(|entry| entry["type"] == "edit").count();
        assert_eq!(edits, 5, "{ledger:?}");
        world.events("message.edited", 5).await;
        Ground::of(OWNER, &session).is_sound(&world, None).await;
    }

    async fn a_change_that_dies_on_its_way_in_comes_once(backend) {
        let mut world = World::start(backend).await;
        let kill_file = world.dir().join("kill");
        let env = [("WHARF_KILL_FILE", kill_file.to_str().unwrap())];
        let session = world.pair(OWNER).await;
        world.stop_gateway().await;
        world.start_gateway(&env).await;
        world.until_connected(&session).await;
        let sent = world.send(&session, SILENT, "react").await.ok(201).clone();
        world.shown(&sent).await;
        for gap in ["inbound-before-commit", "inbound-after-commit"] {
            std::fs::write(&kill_file, gap).unwrap();
            let reaction = world.writes(json!({"type": "reaction", "target": sent["whatsappId"], "emoji": "🎉"})).await;
            world.gateway().ended().await;
            world.start_gateway(&env).await;
            world.until_connected(&session).await;
            world.row(&session, &reaction, |_| true).await;
        }
        let target = world.row(&session, sent["whatsappId"].as_str().unwrap(), |_| true).await;
        assert_eq!(target["reactions"].as_array().map(Vec::len), Some(1), "{target}");
        world.events("message.reaction", 2).await;
        Ground::of(OWNER, &session).is_sound(&world, None).await;
    }

    async fn reading_a_message_tells_its_sender_and_twice_is_once(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let wa_id = world.writes(json!({"text": "read me"})).await;
        let row = world.row(&session, &wa_id, |_| true).await;
        let path = format!("/v1/messages/{}/read", row["messageId"].as_str().unwrap());
        let read = world.api().post(&path, &json!({})).await;
        let at = read.ok(200)["readAt"].clone();
        assert!(at.is_string());
        eventually("the sender's phone knows", async || {
            let shown = world.control().get(&format!("/control/phones/{SILENT}/messages?id={wa_id}")).await;
            shown.data()[0]["readAtMs"].is_number().then_some(()).ok_or(format!("{shown:?}"))
        })
        .await;
        assert_eq!(world.api().post(&path, &json!({})).await.ok(200)["readAt"], at);
        let own = world.send(&session, SILENT, "mine").await.ok(201)["messageId"].as_str().unwrap().to_owned();
        world.api().post(&format!("/v1/messages/{own}/read"), &json!({})).await.refused(ErrorCode::UnsupportedOperation);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_whatsapp_does_not_let_one_change_is_refused() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    let theirs = world.writes(json!({"text": "theirs"})).await;
    let theirs = world.row(&session, &theirs, |_| true).await;
    let path = |row: &serde_json::Value| format!("/v1/messages/{}", row["messageId"].as_str().unwrap());
    world.api().patch(&path(&theirs), &json!({"text": "x"})).await.refused(ErrorCode::UnsupportedOperation);
    world.api().delete(&path(&theirs)).await.refused(ErrorCode::UnsupportedOperation);
    let place = world.post(&session, "location", json!({"latitude": 1, "longitude": 1})).await.ok(201).clone();
    world.api().patch(&path(&place), &json!({"text": "x"})).await.refused(ErrorCode::UnsupportedOperation);
    for uncaptioned in [carrying("audio", &json!({})), carrying("sticker", &json!({})), carrying("image", &json!({"viewOnce": true}))] {
        let sent = world.post(&session, "media", uncaptioned).await.ok(201).clone();
        world.api().patch(&path(&sent), &json!({"text": "x"})).await.refused(ErrorCode::UnsupportedOperation);
    }
    let text = world.send(&session, SILENT, "x").await.ok(201).clone();
    world.api().patch(&path(&text), &json!({"text": "x".repeat(4097)})).await.refused(ErrorCode::MessageTooLong);
    world.api().patch("/v1/messages/msg_00000000000000000000000000000000", &json!({"text": "x"})).await.refused(ErrorCode::MessageNotFound);
    world.api().delete("/v1/messages/msg_00000000000000000000000000000000").await.refused(ErrorCode::MessageNotFound);
    let read = "/v1/messages/msg_00000000000000000000000000000000/read";
    world.api().post(read, &json!({})).await.refused(ErrorCode::MessageNotFound);

    // A message that WhatsApp has not acknowledged yet, and one that it refused.
    world.control().post("/control/faults", &json!({"action": "stall", "phone": OWNER})).await;
    let queued = world.api().post("/v1/messages/text", &json!({"sessionId": session, "to": SILENT, "text": "x", "async": true})).await;
    world.api().patch(&path(queued.ok(201)), &json!({"text": "y"})).await.refused(ErrorCode::Conflict);
    world.api().delete(&path(queued.data())).await.refused(ErrorCode::Conflict);
    let reaction = json!({"messageId": queued.data()["messageId"], "emoji": "👍"});
    world.api().post("/v1/messages/reaction", &reaction).await.refused(ErrorCode::Conflict);
    world.control().delete("/control/faults").await;
    let failed = world.send(&session, "15550007479", "x").await;
    let failed = failed.refused(ErrorCode::MessageSendingFailed)["messageId"].clone();
    let failed = json!({"messageId": failed});
    world.api().delete(&path(&failed)).await.refused(ErrorCode::UnsupportedOperation);
}
