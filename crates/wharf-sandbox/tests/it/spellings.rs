//! Numbers that WhatsApp writes in another way than people do: an answer is its question's, and what is sent goes where it says.

use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::harness::{ABSENT, OWNER, Reply, SILENT, World, both_backends};

/// As people write them, and as WhatsApp does: Brazil, Mexico, Argentina.
const WRITTEN: [(&str, &str); 3] =
    [("5511987654321", "551187654321"), ("525512345678", "5215512345678"), ("541123456789", "5491123456789")];

impl World {
    async fn spells(&self, written: &str, known: &str) {
        self.control().put(&format!("/control/spellings/{written}"), &json!({"known": known})).await.ok(200);
    }

    async fn checks(&self, session: &str, phones: &[&str]) -> Value {
        let checked: Reply = self.api().post("/v1/contacts/check", &json!({"sessionId": session, "phoneNumbers": phones})).await;
        checked.ok(200).clone()
    }
}

both_backends! {
    async fn a_number_that_whatsapp_writes_in_another_way_is_there_and_written_to(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        for (written, known) in WRITTEN {
            world.spells(written, known).await;
        }
        // In one question with numbers that are there, that are not, and with the other spelling itself.
        let phones = [ABSENT, WRITTEN[0].0, SILENT, WRITTEN[1].0, WRITTEN[2].0, WRITTEN[2].1];
        let checked = world.checks(&session, &phones).await;
        let ids: Vec<_> = checked.as_array().unwrap().iter().map(|one| one["contactId"].as_str().map(|id| id.trim_end_matches("@s.whatsapp.net"))).collect();
        let known = WRITTEN.map(|(_, known)| Some(known));
        assert_eq!(ids, [None, known[0], Some(SILENT), known[1], known[2], known[2]], "{checked}");
        assert_eq!(checked[0]["onWhatsapp"], false);
        assert!((0..6).all(|place| checked[place]["phoneNumber"] == phones[place]), "{checked}");

        for (written, known) in WRITTEN {
            let sent = world.send(&session, &format!("+{written}"), "olá").await;
            assert_eq!((&sent.ok(201)["chat"]["phoneNumber"], &sent.data()["chat"]["chatId"]), (&json!(known), &json!(format!("{known}@s.whatsapp.net"))));
            assert_eq!(world.shown_at(known, sent.data()).await["text"], "olá");
            let contact = world.api().get(&format!("/v1/contacts/{written}?sessionId={session}")).await;
            assert_eq!((&contact.ok(200)["onWhatsapp"], &contact.data()["phoneNumber"]), (&json!(true), &json!(known)));

            // The chat is one, by either spelling; what stands in it can be answered and mentioned.
            let theirs = world.writes_as(known, OWNER, json!({"text": "oi"})).await;
            let theirs = world.row(&session, &theirs, |_| true).await;
            let reply = json!({"sessionId": session, "to": written, "text": "tudo?", "replyTo": theirs["messageId"], "mentions": [written]});
            let reply = world.api().post("/v1/messages/text", &reply).await.ok(201).clone();
            assert_eq!(reply["mentionIds"], json!([format!("{known}@s.whatsapp.net")]));
            for spelling in [written, known] {
                let list = world.api().get(&format!("/v1/messages?sessionId={session}&chatId={spelling}")).await;
                assert_eq!(list.ok(200).as_array().unwrap().len(), 3, "{spelling}: {list:?}");
            }
        }
        let chats = world.api().get(&format!("/v1/chats?sessionId={session}")).await;
        assert_eq!(chats.ok(200).as_array().unwrap().len(), WRITTEN.len(), "{chats:?}");
        world.send(&session, ABSENT, "olá").await.refused(ErrorCode::RecipientNotOnWhatsapp);
    }
}
