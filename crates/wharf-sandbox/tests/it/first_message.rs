//! The whole line: pair, send, see it on the phone, see the receipts, get the answer.

use serde_json::json;

use crate::harness::{ECHO, OWNER, World, both_backends, eventually};

both_backends! {
    async fn a_text_reaches_the_phone_once_and_its_answer_comes_back(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;

        let sent = world.send(&session, ECHO, "hello from the first test").await;
        let message = sent.ok(201);
        assert_eq!(message["status"], "sent", "{sent:?}");
        let id = message["messageId"].as_str().unwrap();

        let ledger = world.ledger(ECHO).await;
        let shown: Vec<_> = ledger.iter().filter(|entry| entry["text"] == "hello from the first test").collect();
        assert_eq!(shown.len(), 1, "{ledger:?}");
        assert_eq!(shown[0]["copies"], 1, "{ledger:?}");
        assert_eq!(shown[0]["id"], message["whatsappId"], "{ledger:?}");

        let read = world.until_message(id, "read").await;
        let steps: Vec<_> = read["timeline"].as_array().unwrap().iter().map(|step| step["status"].as_str().unwrap()).collect();
        assert_eq!(steps, ["queued", "sent", "delivered", "read"]);

        let api = world.api();
        let answer = eventually("the echo is an inbound message", async || {
            let list = api.get(&format!("/v1/messages?sessionId={session}&direction=incoming")).await;
            list.data().as_array().and_then(|rows| rows.first().cloned()).ok_or(format!("{list:?}"))
        })
        .await;
        assert_eq!(answer["text"], "hello from the first test");
        assert_eq!(answer["type"], "text");
        assert_eq!(answer["status"], "received");
        assert_eq!(answer["from"]["phoneNumber"], ECHO, "{answer}");
        assert!(answer["from"]["lid"].as_str().is_some_and(|lid| lid.ends_with("@lid")), "{answer}");
        assert_eq!(answer["chat"]["phoneNumber"], ECHO, "{answer}");
    }

    async fn a_restart_needs_no_new_pairing_and_messages_sent_meanwhile_arrive(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        world.stop_gateway().await;
        let while_away = world.control().post(&format!("/control/phones/{ECHO}/send"), &json!({"to": OWNER, "text": "while you were away"})).await;
        assert!(while_away.status < 300, "{while_away:?}");

        world.start_gateway(&[]).await;
        world.until_connected(&session).await;
        let api = world.api();
        eventually("the message that waited has come", async || {
            let list = api.get(&format!("/v1/messages?sessionId={session}&direction=incoming")).await;
            let rows = list.data().as_array().cloned().unwrap_or_default();
            (rows.len() == 1 && rows[0]["text"] == "while you were away").then_some(()).ok_or(format!("{list:?}"))
        })
        .await;
        world.send(&session, ECHO, "after the restart").await.ok(201);
    }

    async fn an_asynchronous_send_is_answered_as_queued_and_reaches_the_phone(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let queued = world.api().post("/v1/messages/text", &json!({"sessionId": session, "to": ECHO, "text": "later", "async": true})).await;
        assert_eq!(queued.ok(201)["status"], "queued");
        world.until_message(queued.data()["messageId"].as_str().unwrap(), "read").await;
    }
}
