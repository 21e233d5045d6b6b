//! One phone with two sessions: each sees what the other does, and what comes in comes to both.

use serde_json::{Value, json};

use crate::harness::{OWNER, SILENT, World, both_backends, eventually};

/// The chat with the silent contact, as one session has it.
async fn chat(world: &World, session: &str) -> Value {
    let chats = world.api().get(&format!("/v1/chats?sessionId={session}")).await;
    chats.ok(200).as_array().unwrap().iter().find(|chat| chat["phoneNumber"] == SILENT).cloned().unwrap_or_default()
}

async fn until_unread(world: &World, session: &str, count: u64) {
    eventually(&format!("{count} are unread"), async || {
        let chat = chat(world, session).await;
        (chat["unreadCount"] == count).then_some(()).ok_or(chat.to_string())
    })
    .await;
}

both_backends! {
    async fn two_sessions_of_one_phone_have_one_conversation(backend) {
        let world = World::start(backend).await;
        let (one, two) = (world.pair(OWNER).await, world.pair(OWNER).await);

        // What one sends is the other's own message from another device, and the person gets it once.
        let sent = world.send(&one, SILENT, "from the one").await.ok(201).clone();
        let wa_id = sent["whatsappId"].as_str().unwrap();
        let seen = world.row(&two, wa_id, |row| row["status"] == "delivered").await;
        assert_eq!(
            (&seen["direction"], &seen["fromOtherDevice"], &seen["text"], &seen["chat"]["phoneNumber"]),
            (&json!("outgoing"), &json!(true), &json!("from the one"), &json!(SILENT))
        );
        assert_eq!(world.shown(&sent).await["copies"], 1);
        let back = world.send(&two, SILENT, "from the other").await.ok(201).clone();
        let seen = world.row(&one, back["whatsappId"].as_str().unwrap(), |_| true).await;
        assert_eq!(seen["fromOtherDevice"], true);

        // What comes in comes to both, with an event each.
        let first = world.writes(json!({"text": "to both"})).await;
        let second = world.writes(json!({"text": "to both again"})).await;
        for session in [&one, &two] {
            for wa_id in [&first, &second] {
                let row = world.row(session, wa_id, |_| true).await;
                assert_eq!((&row["direction"], &row["readAt"]), (&json!("incoming"), &Value::Null));
            }
            until_unread(&world, session, 2).await;
        }
        world.events("message.received", 4).await;

        // One reads a message: it is read for the other too. The person at the phone reads the rest.
        let row = world.row(&one, &first, |_| true).await;
        world.api().post(&format!("/v1/messages/{}/read", row["messageId"].as_str().unwrap()), &json!({})).await.ok(200);
        world.row(&two, &first, |row| row["readAt"].is_string()).await;
        until_unread(&world, &two, 1).await;
        assert!(world.row(&two, &second, |_| true).await["readAt"].is_null());
        world.control().post(&format!("/control/phones/{OWNER}/read"), &json!({"chat": SILENT})).await.ok(200);
        for session in [&one, &two] {
            world.row(session, &second, |row| row["readAt"].is_string()).await;
            until_unread(&world, session, 0).await;
        }

        // A chat that one marks as read is read for the other, and at the phone.
        let third = world.writes(json!({"text": "once more"})).await;
        world.row(&one, &third, |_| true).await;
        until_unread(&world, &two, 1).await;
        world.api().post(&format!("/v1/chats/{SILENT}/read"), &json!({"sessionId": one})).await.ok(200);
        until_unread(&world, &two, 0).await;
        let ledger = world.control().get(&format!("/control/phones/{OWNER}/messages?id={third}")).await;
        assert!(ledger.data()[0]["readAtMs"].is_number(), "{ledger:?}");

        // A receipt of the own devices is none of the recipient's.
        assert_eq!(world.row(&one, wa_id, |_| true).await["status"], "delivered");
        let wire = world.control().get(&format!("/control/wire/{OWNER}")).await;
        assert_eq!(wire.data()["counterReuses"], json!([]));
    }

    async fn what_was_read_while_the_connections_stood_still_is_read_for_both_afterwards(backend) {
        let world = World::start(backend).await;
        let (one, two) = (world.pair(OWNER).await, world.pair(OWNER).await);
        let fault = json!({"action": "stall", "phone": OWNER});
        world.control().post("/control/faults", &fault).await.ok(200);
        let wa_id = world.writes(json!({"text": "while away"})).await;
        world.control().post(&format!("/control/phones/{OWNER}/read"), &json!({})).await.ok(200);
        world.control().delete("/control/faults").await.ok(200);
        for session in [&one, &two] {
            world.row(session, &wa_id, |row| row["readAt"].is_string()).await;
            until_unread(&world, session, 0).await;
        }
    }
}
