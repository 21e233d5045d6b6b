//! One person is one chat, by number and by LID, with a name that lasts; and its messages have times that go by what was said.

use serde_json::{Value, json};

use crate::harness::{ECHO, OWNER, SILENT, World, both_backends};

fn lid(number: &str) -> String {
    format!("77{number}@lid")
}

both_backends! {
    async fn one_person_has_one_chat_by_either_name_and_its_name_stays(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let (api, lid) = (world.api(), lid(SILENT));
        world.send(&session, SILENT, "to the number").await.ok(201);
        let theirs = world.writes(json!({"text": "an answer"})).await;
        let theirs = world.row(&session, &theirs, |_| true).await;
        world.send(&session, &lid, "to the LID").await.ok(201);
        let reply = json!({"sessionId": session, "to": lid, "text": "and a reply", "replyTo": theirs["messageId"]});
        api.post("/v1/messages/text", &reply).await.ok(201);

        let chats = api.get(&format!("/v1/chats?sessionId={session}")).await.ok(200).clone();
        assert_eq!(chats.as_array().unwrap().len(), 1, "{chats}");
        assert_eq!((&chats[0]["name"], &chats[0]["phoneNumber"], &chats[0]["lid"]), (&json!("Silent"), &json!(SILENT), &json!(lid)), "{chats}");
        for name in [SILENT, &lid, &format!("{SILENT}@s.whatsapp.net")] {
            let list = api.get(&format!("/v1/messages?sessionId={session}&chatId={name}")).await.ok(200).clone();
            let rows = list.as_array().unwrap();
            assert_eq!(rows.len(), 4, "{name}: {list}");
            assert!(rows.iter().all(|row| row["chat"]["lid"] == lid && row["chat"]["phoneNumber"] == SILENT), "{name}: {list}");
        }
        assert_eq!(chats[0]["unreadCount"], 1);
        let read = api.post(&format!("/v1/chats/{lid}/read"), &json!({"sessionId": session})).await;
        assert_eq!(read.ok(200)["read"], 1);
    }

    async fn an_answer_is_never_older_than_its_question(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        for n in 0..6 {
            world.send(&session, ECHO, &format!("question {n}")).await.ok(201);
            world.events("message.received", n + 1).await;
        }
        let list = world.api().get(&format!("/v1/messages?sessionId={session}&chatId={ECHO}&limit=200")).await.ok(200).clone();
        let mut rows: Vec<&Value> = list.as_array().unwrap().iter().rev().collect();
        let times = |rows: &[&Value]| rows.iter().map(|row| row["createdAt"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!(rows.len(), 12);
        rows.sort_by_key(|row| row["createdAt"].as_str().unwrap().to_owned());
        for pair in rows.chunks(2) {
            assert_eq!((&pair[0]["direction"], &pair[1]["direction"]), (&json!("outgoing"), &json!("incoming")), "{:?}", times(&rows));
            assert_eq!(pair[0]["text"], pair[1]["text"]);
        }
    }
}
