//! Every kind of message without a file, out to a phone and back from one.

use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::harness::{Backend, OWNER, Reply, SILENT, World, both_backends, eventually};
use crate::media::{picture, serve};

const OTHER: &str = "15550002001";

impl World {
    /// Posts what a new message says, to the silent contact.
    pub async fn post(&self, session: &str, kind: &str, body: Value) -> Reply {
        let mut request = json!({"sessionId": session, "to": SILENT});
        request.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        self.api().post(&format!("/v1/messages/{kind}"), &request).await
    }

    /// The entry of a message in the ledger of the silent contact's phone.
    pub async fn shown(&self, message: &Value) -> Value {
        self.shown_at(SILENT, message).await
    }

    pub async fn shown_at(&self, number: &str, message: &Value) -> Value {
        let id = message["whatsappId"].as_str().expect("a message's id on the wire");
        eventually("the phone shows the message", async || {
            let ledger = self.control().get(&format!("/control/phones/{number}/messages?id={id}")).await;
            ledger.data().get(0).cloned().ok_or(format!("{ledger:?}"))
        })
        .await
    }

    /// Has the silent contact write to the session's owner; answers the id on the wire.
    pub async fn writes(&self, body: Value) -> String {
        self.writes_as(SILENT, OWNER, body).await
    }

    pub async fn writes_as(&self, from: &str, to: &str, body: Value) -> String {
        let mut request = json!({"to": to});
        request.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        let sent = self.control().post(&format!("/control/phones/{from}/send"), &request).await;
        sent.ok(200)["id"].as_str().unwrap().to_owned()
    }

    /// The message of this id on the wire, once it is there and `is` says that it is as it should be.
    pub async fn row(&self, session: &str, wa_id: &str, is: impl Fn(&Value) -> bool) -> Value {
        let api = self.api();
        eventually("the message is there", async || {
            let list = api.get(&format!("/v1/messages?sessionId={session}&limit=200")).await;
            let rows = list.data().as_array().cloned().unwrap_or_default();
            rows.into_iter().find(|row| row["whatsappId"] == wa_id && is(row)).ok_or(format!("{list:?}"))
        })
        .await
    }

    /// The events of a kind, oldest first, once they are `count`. The log shows an event a moment after its commit.
    pub async fn events(&self, kind: &str, count: usize) -> Vec<Value> {
        let api = self.api();
        eventually(&format!("there are {count} events {kind}"), async || {
            let list = api.get(&format!("/v1/events?limit=200&events={kind}")).await;
            let events = list.ok(200).as_array().cloned().unwrap_or_default();
            (events.len() == count).then_some(events).ok_or(format!("{list:?}"))
        })
        .await
    }
}

both_backends! {
    async fn every_kind_reaches_the_phone_with_its_fields(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;

        let first = world.post(&session, "text", json!({"text": "the first"})).await;
        let first = first.ok(201).clone();
        let reply = json!({"text": "@15550002001 look https://example.com/a", "replyTo": first["messageId"], "mentions": [OTHER, "42@lid"],
            "linkPreview": {"url": "https://example.com/a", "title": "An example", "description": "of a page"}});
        let reply = world.post(&session, "text", reply).await;
        let shown = world.shown(reply.ok(201)).await;
        assert_eq!((&shown["type"], &shown["quoted"], &shown["quotedText"]), (&json!("text"), &first["whatsappId"], &json!("the first")));
        assert_eq!(shown["mentions"], json!([format!("{OTHER}@s.whatsapp.net"), "42@lid"]));
        let link = json!({"url": "https://example.com/a", "title": "An example", "description": "of a page", "thumbnail": false});
        assert_eq!(shown["linkPreview"], link);
        let row = reply.data();
        assert_eq!((&row["replyTo"]["messageId"], &row["linkPreview"]["title"]), (&first["messageId"], &json!("An example")));

        let place = json!({"latitude": 52.520_008, "longitude": -13.25, "name": "Gate", "address": "1 Square"});
        let place = world.post(&session, "location", place).await;
        let shown = world.shown(place.ok(201)).await;
        assert_eq!((&shown["latitude"], &shown["longitude"]), (&json!(52.520_008), &json!(-13.25)));
        assert_eq!((&shown["name"], &shown["address"], &shown["type"]), (&json!("Gate"), &json!("1 Square"), &json!("location")));

        let cards = json!({"contacts": [{"name": "Ada; Lovelace", "phoneNumbers": ["+1 555 000 1001"], "organization": "Engines"}]});
        let cards = world.post(&session, "contact", cards).await;
        let shown = world.shown(cards.ok(201)).await;
        let vcard = shown["contacts"][0]["vcard"].as_str().unwrap();
        assert!(vcard.contains("FN:Ada\\; Lovelace\r\n") && vcard.contains("waid=15550001001:+15550001001"), "{vcard}");

        let poll = json!({"question": "When?", "options": ["now", "later"], "replyTo": first["messageId"]});
        let poll = world.post(&session, "poll", poll).await;
        let shown = world.shown(poll.ok(201)).await;
        assert_eq!((&shown["question"], &shown["options"]), (&json!("When?"), &json!(["now", "later"])));
        assert_eq!((&shown["selectableCount"], &shown["quoted"]), (&json!(1), &first["whatsappId"]));

        let reaction = json!({"messageId": first["messageId"], "emoji": "👍🏽"});
        let reaction = world.api().post("/v1/messages/reaction", &reaction).await;
        let shown = world.shown(reaction.ok(201)).await;
        assert_eq!((&shown["type"], &shown["target"], &shown["text"]), (&json!("reaction"), &first["whatsappId"], &json!("👍🏽")));
        let target = world.api().get(&format!("/v1/messages/{}", first["messageId"].as_str().unwrap())).await;
        assert_eq!(target.data()["reactions"][0]["emoji"], "👍🏽", "{target:?}");

        for message in [&reply, &place, &cards, &poll] {
            let path = format!("/v1/messages/{}/forward", message.data()["messageId"].as_str().unwrap());
            let forwarded = world.api().post(&path, &json!({"to": OTHER})).await;
            let shown = world.shown_at(OTHER, forwarded.ok(201)).await;
            assert_eq!((&shown["type"], &shown["forwarded"]), (&message.data()["type"], &json!(true)), "{shown}");
            assert!(shown["quoted"].is_null() && shown["mentions"].is_null(), "{shown}");
            assert_eq!(forwarded.data()["forwarded"], true);
        }
        // Each of these was one message of the day.
        assert_eq!(world.api().get("/v1/usage").await.data()["today"]["messages"], 10);
    }

    async fn a_link_is_shown_as_its_page_says_with_a_small_picture(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let image = serve(picture()).await;
        let page = format!("<title>A page</title><meta name=description content='of words'><meta property=og:image content='http://{image}/p'>");
        let url = format!("http://{}/a?b=c", serve(page.into_bytes()).await);
        let text = format!("look: {url}.");
        let sent = world.post(&session, "text", json!({"text": text, "linkPreview": true})).await;
        assert_eq!(sent.ok(201)["linkPreview"], json!({"url": url, "title": "A page", "description": "of words"}));
        let shown = world.shown(sent.data()).await;
        assert_eq!(shown["text"], text);
        assert_eq!(shown["linkPreview"], json!({"url": url, "title": "A page", "description": "of words", "thumbnail": true}));

        let refused = world.post(&session, "text", json!({"text": "http://10.0.0.1/", "linkPreview": true})).await;
        let shown = world.shown(refused.ok(201)).await;
        assert_eq!((&shown["text"], &shown["linkPreview"]), (&json!("http://10.0.0.1/"), &json!(null)));
    }

    async fn what_a_person_sends_back_is_shown_with_its_fields_and_announced_once(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let sent = world.send(&session, SILENT, "the first").await.ok(201).clone();
        world.shown(&sent).await;

        let wa_id = world.writes(json!({"text": "an answer", "replyTo": sent["whatsappId"], "mentions": [OWNER], "forwarded": true})).await;
        let answer = world.row(&session, &wa_id, |_| true).await;
        assert_eq!((&answer["replyTo"]["messageId"], &answer["mentionIds"][0]), (&sent["messageId"], &json!(format!("{OWNER}@s.whatsapp.net"))));
        assert_eq!((&answer["forwarded"], &answer["from"]["phoneNumber"]), (&json!(true), &json!(SILENT)));

        let place = world.writes(json!({"type": "location", "latitude": 1.5, "longitude": 2.25, "name": "Here"})).await;
        let place = world.row(&session, &place, |_| true).await;
        assert_eq!((&place["type"], &place["latitude"], &place["name"]), (&json!("location"), &json!(1.5), &json!("Here")));

        let card = world.writes(json!({"type": "contact", "name": "Ada", "phone": "+1 555 000-1001"})).await;
        let card = world.row(&session, &card, |_| true).await;
        assert_eq!(card["contacts"], json!([{"name": "Ada", "phoneNumbers": ["+1 555 000-1001"]}]));

        let poll = world.writes(json!({"type": "poll", "question": "Tea?", "options": ["yes", "no"], "selectableCount": 0})).await;
        let poll = world.row(&session, &poll, |_| true).await;
        assert_eq!((&poll["question"], &poll["selectableCount"]), (&json!("Tea?"), &json!(0)));

        let reaction = world.writes(json!({"type": "reaction", "target": sent["whatsappId"], "emoji": "❤️"})).await;
        let reaction = world.row(&session, &reaction, |_| true).await;
        assert_eq!((&reaction["emoji"], &reaction["target"]["messageId"]), (&json!("❤️"), &sent["messageId"]));
        let target = world.row(&session, sent["whatsappId"].as_str().unwrap(), |row| row["reactions"].is_array()).await;
        let reactions = target["reactions"].as_array().unwrap();
        assert_eq!((reactions.len(), &reactions[0]["fromId"]), (1, &json!(format!("{SILENT}@s.whatsapp.net"))));
        world.writes(json!({"type": "reaction", "target": sent["whatsappId"], "emoji": ""})).await;
        world.row(&session, sent["whatsappId"].as_str().unwrap(), |row| row["reactions"].is_null()).await;

        world.events("message.received", 4).await;
        let events = world.events("message.reaction", 2).await;
        assert_eq!((&events[0]["data"]["emoji"], &events[0]["data"]["target"]["messageId"]), (&json!("❤️"), &sent["messageId"]));
    }

    async fn votes_are_read_and_counted_and_a_later_vote_takes_the_place_of_the_first(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let poll = json!({"question": "When?", "options": ["now", "later", "never"], "selectableCount": 2});
        let poll = world.post(&session, "poll", poll).await.ok(201).clone();
        world.shown(&poll).await;
        let (wa_id, id) = (poll["whatsappId"].as_str().unwrap(), poll["messageId"].as_str().unwrap());

        let vote = world.writes(json!({"type": "vote", "target": wa_id, "options": ["now", "later"]})).await;
        let vote = world.row(&session, &vote, |_| true).await;
        assert_eq!((&vote["type"], &vote["options"], &vote["target"]["messageId"]), (&json!("poll_vote"), &json!(["now", "later"]), &json!(id)));
        // The secret of the poll outlives the process.
        world.stop_gateway().await;
        world.writes(json!({"type": "vote", "target": wa_id, "options": ["never"]})).await;
        world.start_gateway(&[]).await;
        let shown = world.row(&session, wa_id, |row| row["results"][2]["votes"] == 1).await;
        let voter = format!("{SILENT}@s.whatsapp.net");
        assert_eq!(shown["results"], json!([
            {"option": "now", "votes": 0, "voterIds": []},
            {"option": "later", "votes": 0, "voterIds": []},
            {"option": "never", "votes": 1, "voterIds": [voter]},
        ]));
        world.events("poll.vote", 2).await;

        // A poll of somebody else, and a vote of somebody who is the account itself, on its phone.
        let theirs = world.writes(json!({"type": "poll", "question": "Tea?", "options": ["yes", "no"]})).await;
        world.row(&session, &theirs, |_| true).await;
        world.writes_as(OWNER, SILENT, json!({"type": "vote", "target": theirs, "options": ["yes"]})).await;
        let shown = world.row(&session, &theirs, |row| row["results"][0]["votes"] == 1).await;
        assert_eq!(shown["results"][0]["voterIds"], json!(["me"]));
    }

    async fn what_the_phone_of_the_account_sends_is_an_outgoing_message_and_no_message_of_the_day(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let through = world.send(&session, SILENT, "through the API").await.ok(201).clone();
        let wa_id = world.writes_as(OWNER, SILENT, json!({"text": "from the phone"})).await;
        let row = world.row(&session, &wa_id, |row| row["status"] == "delivered").await;
        assert_eq!((&row["direction"], &row["fromOtherDevice"]), (&json!("outgoing"), &json!(true)));
        assert_eq!(row["chat"]["phoneNumber"], SILENT);
        let shown = world.api().get(&format!("/v1/messages/{}", row["messageId"].as_str().unwrap())).await;
        let steps: Vec<_> = shown.data()["timeline"].as_array().unwrap().iter().map(|step| step["status"].clone()).collect();
        assert_eq!(steps, ["sent", "delivered"]);
        assert!(world.row(&session, through["whatsappId"].as_str().unwrap(), |_| true).await["fromOtherDevice"].is_null());
        let list = world.api().get(&format!("/v1/messages?sessionId={session}&direction=outgoing")).await;
        assert_eq!(list.data().as_array().unwrap().len(), 2, "{list:?}");
        assert_eq!(world.api().get("/v1/usage").await.data()["today"]["messages"], 1);
        world.events("message.sent", 2).await;
    }

    async fn a_message_that_cannot_be_decrypted_is_completed_when_it_comes_again(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        world.writes(json!({"text": "so that there is a Signal session"})).await;
        let wa_id = world.writes(json!({"text": "garbled at first", "garbled": true})).await;
        let row = world.row(&session, &wa_id, |row| row["type"] == "text").await;
        assert_eq!(row["text"], "garbled at first");
        let list = world.api().get(&format!("/v1/messages?sessionId={session}&direction=incoming")).await;
        assert_eq!(list.data().as_array().unwrap().len(), 2, "{list:?}");
        world.events("message.received", 2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_said_is_refused_with_its_field_and_sends_nothing() {
    use ErrorCode::{InvalidPhoneNumber as Phone, InvalidRequest as Invalid, MessageNotFound};
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    let elsewhere = world.send(&session, OTHER, "elsewhere").await.ok(201)["messageId"].clone();
    let options = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>();
    let card = |phones: Value| json!({"contacts": [{"name": "Ada", "phoneNumbers": phones}]});
    let nobody = "msg_00000000000000000000000000000000";
    let place = |latitude: f64, longitude: f64| json!({"latitude": latitude, "longitude": longitude});
    let link = |url: &str, text: &str| json!({"text": text, "linkPreview": {"url": url, "title": "t"}});
    let rows = [
        ("text", json!({"text": "x", "replyTo": nobody}), MessageNotFound, ""),
        ("text", json!({"text": "x", "replyTo": elsewhere}), Invalid, "replyTo"),
        ("text", json!({"text": "x", "mentions": ["15550002001", "12"]}), Phone, "mentions[1]"),
        ("text", json!({"text": "x", "mentions": ["120363@g.us"]}), Phone, "mentions[0]"),
        ("text", json!({"text": "x", "mentions": vec!["15550002001"; 1025]}), Invalid, "mentions"),
        ("text", link("https://a.example", "x"), Invalid, "linkPreview.url"),
        ("text", link("ftp://a.example", "ftp://a.example"), Invalid, "linkPreview.url"),
        ("location", place(90.1, 0.0), Invalid, "latitude"),
        ("location", place(0.0, -180.1), Invalid, "longitude"),
        ("location", json!({"latitude": 1, "longitude": 1, "name": "x".repeat(1025)}), Invalid, "name"),
        ("contact", json!({"contacts": []}), Invalid, "contacts"),
        ("contact", card(json!([])), Invalid, "contacts[0].phoneNumbers"),
        ("contact", card(json!(["15550001001", "1555000200.0"])), Phone, "contacts[0].phoneNumbers[1]"),
        ("poll", json!({"question": "q", "options": options(1)}), Invalid, "options"),
        ("poll", json!({"question": "q", "options": options(13)}), Invalid, "options"),
        ("poll", json!({"question": "q", "options": ["a", "a"]}), Invalid, "options[1]"),
        ("poll", json!({"question": "q", "options": ["a", "x".repeat(101)]}), Invalid, "options[1]"),
        ("poll", json!({"question": "", "options": ["a", "b"]}), Invalid, "question"),
        ("poll", json!({"question": "q", "options": ["a", "b"], "selectableCount": 3}), Invalid, "selectableCount"),
    ];
    for (kind, body, code, field) in rows {
        let refused = world.post(&session, kind, body.clone()).await;
        let details = refused.refused(code);
        assert_eq!(details["field"].as_str().unwrap_or_default(), field, "{kind} {body}");
    }
    for emoji in ["ok", "👍👍", "a👍"] {
        let refused = world.api().post("/v1/messages/reaction", &json!({"messageId": elsewhere, "emoji": emoji})).await;
        assert_eq!(refused.refused(Invalid)["field"], "emoji");
    }
    world.api().post("/v1/messages/reaction", &json!({"messageId": nobody, "emoji": "👍"})).await.refused(MessageNotFound);
    // What is at the limit passes.
    world.post(&session, "poll", json!({"question": "x".repeat(255), "options": options(12), "selectableCount": 12})).await.ok(201);
    world.post(&session, "location", place(-90.0, 180.0)).await.ok(201);
    assert_eq!(world.api().get("/v1/usage").await.data()["today"]["messages"], 3);
}
