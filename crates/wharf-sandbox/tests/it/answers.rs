//! Files in answers and answers to files: what is quoted, who is mentioned, what was forwarded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::harness::{Backend, OWNER, SILENT, World, both_backends};
use crate::media::{file, files, hash};

const OTHER: &str = "15550002001";
const FRIEND: &str = "15551000001";

/// The body of a message with a file of that name.
pub fn carrying(name: &str, more: &Value) -> Value {
    let kind = if name == "voice" { "audio" } else { name };
    let mut body = json!({"mediaType": kind, "voice": name == "voice", "data": STANDARD.encode(file(name, 2000))});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// Every kind of file, with what can stand beside it.
pub fn kinds() -> [(&'static str, Value); 6] {
    [
        ("image", json!({"caption": "look"})),
        ("video", json!({"caption": "watch"})),
        ("document", json!({"caption": "read", "fileName": "report.pdf"})),
        ("audio", json!({})),
        ("voice", json!({})),
        ("sticker", json!({})),
    ]
}

both_backends! {
    async fn a_reply_shows_the_file_that_it_answers(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        for (name, more) in kinds() {
            let sent = world.post(&session, "media", carrying(name, &more)).await.ok(201).clone();
            let reply = world.post(&session, "text", json!({"text": "about it", "replyTo": sent["messageId"]})).await;
            let shown = world.shown(reply.ok(201)).await;
            assert_eq!((&shown["quoted"], &shown["quotedType"]), (&sent["whatsappId"], &sent["type"]), "{shown}");
            assert_eq!(shown["quotedText"], more["caption"], "{shown}");
            let media = &shown["quotedMedia"];
            assert_eq!((&media["mimeType"], &media["size"]), (&sent["mimeType"], &sent["sizeBytes"]), "{shown}");
            assert_eq!(media["sha256"], hash(&file(name, 2000)), "{shown}");
            assert_eq!((&media["fileName"], &media["voice"]), (&more["fileName"], &json!(name == "voice")), "{shown}");
        }
        // The words under what can be opened once are not given away by an answer to it.
        let once = world.post(&session, "media", carrying("image", &json!({"caption": "secret", "viewOnce": true}))).await.ok(201).clone();
        let reply = world.post(&session, "text", json!({"text": "about it", "replyTo": once["messageId"]})).await;
        let shown = world.shown(reply.ok(201)).await;
        assert_eq!((&shown["quotedType"], &shown["quotedText"]), (&json!("image"), &json!(null)), "{shown}");
        assert_eq!(shown["quotedMedia"]["viewOnce"], true, "{shown}");
    }

    async fn a_file_answers_mentions_and_is_marked_like_any_other_message(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let first = world.send(&session, SILENT, "the first").await.ok(201).clone();
        for name in ["image", "video", "document", "audio", "sticker"] {
            let marks = json!({"replyTo": first["messageId"], "mentions": [OTHER, "42@lid"], "forwarded": true});
            let sent = world.post(&session, "media", carrying(name, &marks)).await;
            let row = sent.ok(201);
            assert_eq!((&row["replyTo"]["messageId"], &row["forwarded"]), (&first["messageId"], &json!(true)), "{row}");
            let shown = world.shown(row).await;
            assert_eq!((&shown["type"], &shown["media"]["sha256"]), (&json!(name), &json!(hash(&file(name, 2000)))), "{shown}");
            assert_eq!((&shown["quoted"], &shown["quotedText"]), (&first["whatsappId"], &json!("the first")), "{shown}");
            assert_eq!(shown["mentions"], json!([format!("{OTHER}@s.whatsapp.net"), "42@lid"]), "{shown}");
            assert_eq!(shown["forwarded"], true, "{shown}");
        }
        let once = carrying("image", &json!({"viewOnce": true, "replyTo": first["messageId"]}));
        let once = world.post(&session, "media", once).await;
        let shown = world.shown(once.ok(201)).await;
        assert_eq!((&shown["quoted"], &shown["media"]["viewOnce"]), (&first["whatsappId"], &json!(true)), "{shown}");

        // And the same from a person.
        let back = json!({"type": "image", "size": 1000, "caption": "there", "replyTo": first["whatsappId"], "mentions": [OWNER], "forwarded": true});
        let back = world.writes(back).await;
        let row = world.row(&session, &back, |_| true).await;
        assert_eq!((&row["type"], &row["caption"], &row["forwarded"]), (&json!("image"), &json!("there"), &json!(true)), "{row}");
        assert_eq!((&row["replyTo"]["messageId"], &row["mentionIds"][0]), (&first["messageId"], &json!(format!("{OWNER}@s.whatsapp.net"))), "{row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_group_everybody_sees_the_answer_and_whom_a_caption_mentions() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    let body = json!({"sessionId": session, "subject": "The crew", "participants": [SILENT, FRIEND]});
    let group = world.api().post("/v1/groups", &body).await.ok(201)["groupId"].as_str().unwrap().to_owned();
    let theirs = world.writes_as(SILENT, &group, json!({"type": "document", "size": 500, "fileName": "plan.pdf"})).await;
    let theirs = world.row(&session, &theirs, |row| row["mediaStatus"] == "stored").await;
    let marks = json!({"to": group, "caption": format!("@{FRIEND} look"), "replyTo": theirs["messageId"], "mentions": [FRIEND]});
    let sent = world.post(&session, "media", carrying("image", &marks)).await.ok(201).clone();
    for phone in [SILENT, FRIEND] {
        let shown = world.shown_at(phone, &sent).await;
        assert_eq!(
            (&shown["media"]["caption"], &shown["mentions"]),
            (&json!(format!("@{FRIEND} look")), &json!([format!("{FRIEND}@s.whatsapp.net")]))
        );
        assert_eq!((&shown["quoted"], &shown["quotedType"]), (&theirs["whatsappId"], &json!("document")), "{shown}");
        assert_eq!(shown["quotedMedia"]["fileName"], "plan.pdf", "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_answers_what_is_not_there_or_mentions_nobody_is_refused_and_not_kept() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    let elsewhere = world.send(&session, OTHER, "elsewhere").await.ok(201)["messageId"].clone();
    for (marks, code, field) in [
        (json!({"replyTo": "msg_00000000000000000000000000000000"}), ErrorCode::MessageNotFound, ""),
        (json!({"replyTo": elsewhere}), ErrorCode::InvalidRequest, "replyTo"),
        (json!({"mentions": [OTHER, "12"]}), ErrorCode::InvalidPhoneNumber, "mentions[1]"),
        (json!({"mentions": ["120363@g.us"]}), ErrorCode::InvalidPhoneNumber, "mentions[0]"),
        (json!({"mentions": vec![OTHER; 1025]}), ErrorCode::InvalidRequest, "mentions"),
    ] {
        let refused = world.post(&session, "media", carrying("image", &marks)).await;
        assert_eq!(refused.refused(code)["field"].as_str().unwrap_or_default(), field, "{marks}");
    }
    assert!(files(&world.dir().join("gateway/media")).is_empty());
    world.post(&session, "media", carrying("image", &json!({"mentions": vec![OTHER; 256]}))).await.ok(201);
}
