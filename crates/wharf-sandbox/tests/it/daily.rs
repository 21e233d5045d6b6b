//! What a support team sees on an ordinary day, and expects to be so.

use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::harness::{ECHO, OWNER, SILENT, World, both_backends, eventually};
use crate::media::files;

impl World {
    pub async fn chat(&self, session: &str) -> Value {
        self.api().get(&format!("/v1/chats?sessionId={session}")).await.ok(200)[0].clone()
    }

    async fn types(&self, person: &str) -> Value {
        let shown = self.api().get(person).await;
        shown.ok(200)["typing"].clone()
    }
}

both_backends! {
    async fn what_the_own_phone_read_while_the_gateway_was_away_is_read(backend) {
        for killed in [false, true] {
            let mut world = World::start(backend).await;
            let session = world.pair(OWNER).await;
            for n in 0..3 {
                let wa_id = world.writes(json!({"text": format!("unread {n}")})).await;
                world.row(&session, &wa_id, |_| true).await;
            }
            assert_eq!(world.chat(&session).await["unreadCount"], 3);
            if killed { world.kill_gateway().await } else { world.stop_gateway().await }
            world.control().post(&format!("/control/phones/{OWNER}/read"), &json!({})).await.ok(200);
            world.start_gateway(&[]).await;
            eventually("read is read", async || {
                let chat = world.chat(&session).await;
                (chat["unreadCount"] == 0).then_some(()).ok_or(chat.to_string())
            })
            .await;
            world.until_acknowledged(OWNER).await;
        }
    }

    async fn a_change_of_an_older_message_is_not_the_chats_last_word_and_an_edit_is_all_of_its_message(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let body = json!({"text": "see https://example.org/x", "mentions": [SILENT], "linkPreview": {"url": "https://example.org/x", "title": "X"}});
        let sent = world.post(&session, "text", body).await.ok(201).clone();
        assert!(sent["linkPreview"].is_object() && sent["mentionIds"].is_array(), "{sent}");
        let old = world.writes(json!({"text": "an old one"})).await;
        let row = world.row(&session, &old, |_| true).await;
        let last = world.writes(json!({"text": "the last word"})).await;
        world.row(&session, &last, |_| true).await;
        let edit = world.writes(json!({"type": "edit", "target": old, "text": "an old one, edited"})).await;
        world.row(&session, &edit, |_| true).await;
        let like = world.writes(json!({"type": "reaction", "target": old, "emoji": "👍"})).await;
        world.row(&session, &like, |_| true).await;
        let edited = json!({"text": "never mind"});
        world.api().patch(&format!("/v1/messages/{}", sent["messageId"].as_str().unwrap()), &edited).await.ok(200);
        let chat = world.chat(&session).await;
        assert_eq!((&chat["lastMessage"]["text"], &chat["lastMessage"]["whatsappId"]), (&json!("the last word"), &json!(last)));
        assert_eq!(world.row(&session, &old, |_| true).await["messageId"], row["messageId"]);
        let own = world.row(&session, sent["whatsappId"].as_str().unwrap(), |row| row["text"] == "never mind").await;
        assert!(own["linkPreview"].is_null() && own["mentionIds"].is_null(), "{own}");
    }

    async fn what_the_own_phone_writes_to_a_group_has_the_receipts_of_all_its_members(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let group = world.group_of(OWNER, &[SILENT, ECHO, "15551000001"]).await;
        for turn in 0..10 {
            let wa_id = world.writes_as(OWNER, &group, json!({"text": format!("from the phone {turn}")})).await;
            let message = world.row(&session, &wa_id, |_| true).await["messageId"].clone();
            let path = format!("/v1/messages/{}", message.as_str().unwrap());
            eventually("all members have told", async || {
                let row = world.api().get(&path).await.ok(200).clone();
                let told = row["receipts"].as_array().into_iter().flatten().filter(|one| one["deliveredAt"].is_string()).count();
                if told == 3 { Ok(()) } else { Err(format!("{told} of 3: {row}")) }
            })
            .await;
        }
    }

    async fn typing_ends_with_the_message_and_with_whoever_goes_and_is_one_persons_by_either_name(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let first = world.writes(json!({"text": "hello"})).await;
        world.row(&session, &first, |_| true).await;
        world.api().post("/v1/presence", &json!({"sessionId": session, "status": "available"})).await.ok(200);
        let names = [SILENT.to_owned(), format!("77{SILENT}@lid")].map(|name| format!("/v1/contacts/{name}/presence?sessionId={session}"));
        for ends_by in ["message", "leaving"] {
            world.control().post(&format!("/control/phones/{SILENT}/presence"), &json!({"state": "available"})).await.ok(200);
            world.control().post(&format!("/control/phones/{SILENT}/typing"), &json!({"to": OWNER, "state": "typing"})).await.ok(200);
            for name in &names {
                eventually("typing is seen", async || {
                    let seen = world.types(name).await;
                    (seen == "typing").then_some(()).ok_or(format!("{name}: {seen}"))
                })
                .await;
            }
            if ends_by == "message" {
                let said = world.writes(json!({"text": "said"})).await;
                world.row(&session, &said, |_| true).await;
            } else {
                world.control().post(&format!("/control/phones/{SILENT}/presence"), &json!({"state": "unavailable"})).await.ok(200);
            }
            for name in &names {
                // Whoever sees that it is over for one reason sees it at once.
                let over = eventually("the message or the leaving is seen", async || {
                    let shown = world.api().get(name).await.ok(200).clone();
                    (ends_by == "message" || shown["status"] == "unavailable").then(|| shown.clone()).ok_or(shown.to_string())
                })
                .await;
                assert!(over["typing"].is_null(), "{ends_by}: {name}: {over}");
            }
        }
    }

    async fn a_deletion_takes_the_words_of_the_edits_and_the_received_file_along_and_no_file_that_was_sent_on(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let api = world.api();
        let file_of = |row: &Value| format!("/v1/media/{}", row["mediaId"].as_str().unwrap());
        let ends = async |wa_id: &str| {
            world.writes(json!({"type": "delete", "target": wa_id})).await;
            world.row(&session, wa_id, |row| row["type"] == "deleted").await
        };
        // One edit comes before the deletion, one after it.
        let text = world.writes(json!({"text": "card 4111"})).await;
        world.row(&session, &text, |_| true).await;
        let edit = world.writes(json!({"type": "edit", "target": text, "text": "card 4111 1111"})).await;
        assert_eq!(world.row(&session, &edit, |_| true).await["text"], "card 4111 1111");
        let gone = ends(&text).await;
        let late = world.writes(json!({"type": "edit", "target": text, "text": "card 4111 2222"})).await;
        for edit in [edit, late] {
            let shown = world.row(&session, &edit, |row| row["type"] == "edit").await;
            assert_eq!((&shown["text"], &shown["deletedAt"]), (&json!(""), &gone["deletedAt"]), "{shown}");
        }
        for about in ["card", "4111"] {
            let list = api.get(&format!("/v1/messages?sessionId={session}")).await;
            assert!(!list.ok(200).to_string().contains(about), "{list:?}");
        }

        let (first, second) = (json!({"type": "image", "size": 5000}), json!({"type": "image", "size": 5000}));
        let (kept, lost) = (world.writes(first).await, world.writes(second).await);
        let [kept_row, lost_row] = [&kept, &lost].map(|wa_id| world.row(&session, wa_id, |row| row["mediaStatus"] == "stored"));
        let (kept_row, lost_row) = (kept_row.await, lost_row.await);
        let sent_on = json!({"to": ECHO});
        api.post(&format!("/v1/messages/{}/forward", kept_row["messageId"].as_str().unwrap()), &sent_on).await.ok(201);
        ends(&kept).await;
        ends(&lost).await;
        assert_eq!(api.get(&file_of(&kept_row)).await.status, 200, "the account has sent it on: it is its own");
        api.get(&file_of(&lost_row)).await.refused(ErrorCode::ResourceNotFound);
        // What is not fetched yet is fetched no more.
        world.control().post("/control/faults", &json!({"action": "stall_download"})).await.ok(200);
        let never = world.writes(json!({"type": "document", "size": 5000})).await;
        let never_row = world.row(&session, &never, |row| row["mediaStatus"] == "pending").await;
        ends(&never).await;
        world.control().delete("/control/faults").await.ok(200);
        api.get(&file_of(&never_row)).await.refused(ErrorCode::ResourceNotFound);
        let after = world.writes(json!({"type": "document", "size": 5000})).await;
        world.row(&session, &after, |row| row["mediaStatus"] == "stored").await;
        api.get(&file_of(&never_row)).await.refused(ErrorCode::ResourceNotFound);

        // Its bytes go with the next sweep, and a start begins with one.
        let path = lost_row["mediaId"].as_str().unwrap().to_owned();
        world.stop_gateway().await;
        world.start_gateway(&[]).await;
        eventually("the bytes are gone", async || {
            let left = files(&world.dir().join("gateway/media"));
            (!left.iter().any(|left| left.ends_with(&path))).then_some(()).ok_or(format!("{left:?}"))
        })
        .await;
    }

    async fn what_another_number_of_the_session_said_is_read_and_nothing_is_done_to_it(backend) {
        const OTHER: &str = "15550000002";
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let api = world.api();
        let own = world.send(&session, SILENT, "said by the first number").await.ok(201).clone();
        let theirs = world.writes(json!({"text": "said to the first number"})).await;
        let theirs = world.row(&session, &theirs, |_| true).await;
        let first = api.get(&format!("/v1/sessions/{session}")).await.ok(200)["numberSince"].clone();
        assert!(first.is_string(), "{first}");

        // The same number again: nothing changes.
        let link = async |owner: &str| {
            api.post(&format!("/v1/sessions/{session}/logout"), &json!({})).await.ok(200);
            let shown = api.post(&format!("/v1/sessions/{session}/restart"), &json!({})).await;
            world.scan(shown.ok(200)["qr"].as_str().unwrap(), owner).await;
            world.until_connected(&session).await;
            api.get(&format!("/v1/sessions/{session}")).await.ok(200).clone()
        };
        assert_eq!(link(OWNER).await["numberSince"], first);
        let path = |row: &Value, act: &str| format!("/v1/messages/{}{act}", row["messageId"].as_str().unwrap());
        api.post("/v1/messages/reaction", &json!({"messageId": theirs["messageId"], "emoji": "👍"})).await.ok(201);

        let linked = link(OTHER).await;
        assert_eq!(linked["phoneNumber"], OTHER);
        assert!(linked["numberSince"].as_str() > first.as_str(), "{linked}");
        let told = world.ledger(SILENT).await.len();
        for reply in [
            api.patch(&path(&own, ""), &json!({"text": "said otherwise"})).await,
            api.delete(&path(&own, "")).await,
            api.post("/v1/messages/reaction", &json!({"messageId": theirs["messageId"], "emoji": "👎"})).await,
            api.post(&path(&theirs, "/read"), &json!({})).await,
            api.post("/v1/messages/text", &json!({"sessionId": session, "to": SILENT, "text": "as I said", "replyTo": own["messageId"]})).await,
        ] {
            let reason = reply.refused(ErrorCode::UnsupportedOperation)["reason"].as_str().unwrap();
            assert!(reason.contains("another number"), "{reply:?}");
        }
        // It can be read and told on, and a chat that is read tells nobody of it.
        assert_eq!(api.get(&path(&own, "")).await.ok(200)["text"], "said by the first number");
        let chat = api.post(&format!("/v1/chats/{SILENT}/read"), &json!({"sessionId": session})).await;
        assert_eq!(chat.ok(200)["read"], 0);
        assert_eq!(world.chat(&session).await["unreadCount"], 0);
        assert_eq!(world.ledger(SILENT).await.len(), told);

        // What this number says and hears is its own.
        let fresh = world.send(&session, SILENT, "said by the second number").await.ok(201).clone();
        world.until_message(fresh["messageId"].as_str().unwrap(), "delivered").await;
        api.patch(&path(&fresh, ""), &json!({"text": "said by the second, edited"})).await.ok(200);
        let heard = world.writes_as(SILENT, OTHER, json!({"text": "said to the second number"})).await;
        let heard = world.row(&session, &heard, |_| true).await;
        api.post(&path(&heard, "/read"), &json!({})).await.ok(200);
        api.post(&path(&own, "/forward"), &json!({"to": SILENT})).await.ok(201);
    }

    async fn an_answer_shows_what_it_quotes_also_where_that_is_not_here_and_a_group_is_answered_in_private(backend) {
        let world = World::start(backend).await;
        let first = world.pair(OWNER).await;
        world.api().delete(&format!("/v1/sessions/{first}")).await.ok(200);
        let before = world.writes(json!({"text": "from before the link"})).await;
        let session = world.pair(OWNER).await;
        let answer = world.writes(json!({"text": "as I wrote", "replyTo": before})).await;
        let row = world.row(&session, &answer, |_| true).await;
        let quoted = json!({"type": "text", "text": "from before the link"});
        assert_eq!((&row["replyTo"]["whatsappId"], &row["replyTo"]["quoted"]), (&json!(before), &quoted), "{row}");
        assert!(row["replyTo"]["messageId"].is_null() && row["replyTo"]["chatId"].is_null(), "{row}");
        let told = world.events("message.received", 1).await;
        assert_eq!(told[0]["data"]["replyTo"], row["replyTo"]);
        // What is here speaks for itself.
        let again = world.writes(json!({"text": "and again", "replyTo": answer})).await;
        let again = world.row(&session, &again, |_| true).await;
        assert_eq!((&again["replyTo"]["messageId"], &again["replyTo"]["quoted"]), (&row["messageId"], &Value::Null), "{again}");

        // Both ways in private: the chat of two says which message of the group it is about.
        let group = world.group_of(OWNER, &[SILENT]).await;
        let said = world.writes_as(SILENT, &group, json!({"text": "said to all"})).await;
        let said = world.row(&session, &said, |_| true).await;
        let body = json!({"sessionId": session, "to": SILENT, "text": "between us", "replyTo": said["messageId"]});
        let sent = world.api().post("/v1/messages/text", &body).await.ok(201).clone();
        assert_eq!((&sent["replyTo"]["messageId"], &sent["replyTo"]["chatId"]), (&said["messageId"], &json!(group)), "{sent}");
        let shown = world.shown(&sent).await;
        assert_eq!((&shown["quoted"], &shown["quotedChat"], &shown["quotedText"]), (&said["whatsappId"], &json!(group), &json!("said to all")), "{shown}");
        let own = json!({"sessionId": session, "to": group, "text": "said by me"});
        let own = world.api().post("/v1/messages/text", &own).await.ok(201).clone();
        world.until_message(own["messageId"].as_str().unwrap(), "delivered").await;
        let back = world.writes(json!({"text": "about that", "replyTo": own["whatsappId"]})).await;
        let back = world.row(&session, &back, |_| true).await;
        assert_eq!((&back["replyTo"]["messageId"], &back["replyTo"]["chatId"]), (&own["messageId"], &json!(group)), "{back}");
        // Who did not write it is not answered so.
        let body = json!({"sessionId": session, "to": ECHO, "text": "between us", "replyTo": said["messageId"]});
        world.api().post("/v1/messages/text", &body).await.refused(ErrorCode::InvalidRequest);
    }
}
