//! What is in an envelope is what counts, and a kind that is not shown is told with its words.

use serde_json::json;

use crate::harness::{OWNER, SILENT, World, both_backends};
use crate::protobuf::Proto;

/// The fields of envelopes, old ones and new ones.
const ENVELOPES: [u32; 12] = [40, 53, 58, 62, 67, 96, 100, 101, 103, 104, 106, 118];

fn envelope(field: u32, message: &Proto) -> Proto {
    Proto::default().message(field, &Proto::default().message(1, message))
}

both_backends! {
    async fn a_message_in_an_envelope_is_what_is_in_it(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        for field in ENVELOPES {
            let wa_id = world.writes_raw(&envelope(field, &Proto::default().bytes(1, format!("in {field}")))).await;
            let row = world.row(&session, &wa_id, |_| true).await;
            assert_eq!((&row["type"], &row["text"]), (&json!("text"), &json!(format!("in {field}"))), "{row}");
        }
        let deep = envelope(40, &envelope(62, &envelope(67, &Proto::default().bytes(1, "three deep"))));
        let deep = world.writes_raw(&deep).await;
        assert_eq!(world.row(&session, &deep, |_| true).await["text"], "three deep");

        // Polls in all their versions, the fourth in its envelope; they can be answered like any other.
        let option = |name: &str| Proto::default().bytes(1, name);
        let poll = Proto::default().bytes(2, "When?").message(3, &option("now")).message(3, &option("later")).varint(4, 1);
        for field in [49, 60, 64, 111, 119] {
            let plain = Proto::default().message(field, &poll);
            for message in [envelope(93, &plain), plain] {
                let wa_id = world.writes_raw(&message).await;
                let row = world.row(&session, &wa_id, |_| true).await;
                assert_eq!((&row["type"], &row["options"]), (&json!("poll"), &json!(["now", "later"])), "{field}: {row}");
            }
        }

        // What is not shown says what it says in words.
        let event = Proto::default().bytes(3, "Party").bytes(4, "Bring cake");
        let buttons = Proto::default().bytes(6, "Choose one");
        let reply = Proto::default().bytes(2, "Yes please");
        for (field, inner, kind, words) in [(75, event, "event", "Party\nBring cake"), (42, buttons, "interactive", "Choose one"), (43, reply, "interactive_reply", "Yes please")] {
            let wa_id = world.writes_raw(&Proto::default().message(field, &inner)).await;
            let row = world.row(&session, &wa_id, |_| true).await;
            assert_eq!((&row["type"], &row["originalType"], &row["text"]), (&json!("unsupported"), &json!(kind), &json!(words)), "{row}");
        }

        // A card's number that can be written to.
        let card = "BEGIN:VCARD\nVERSION:3.0\nFN:Ada\nTEL;type=CELL;waid=15551000001:0155 1000001\nEND:VCARD";
        let card = world.writes_raw(&Proto::default().message(4, &Proto::default().bytes(1, "Ada").bytes(16, card))).await;
        let phone = world.row(&session, &card, |_| true).await["contacts"][0]["phoneNumbers"][0].clone();
        world.send(&session, phone.as_str().unwrap(), "hello").await.ok(201);
        world.api().get(&format!("/v1/messages?chatId={SILENT}")).await.ok(200);
    }
}
