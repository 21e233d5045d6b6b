//! People and chats as a customer sees them: lists, profiles, blocking, reading, typing, presence.

use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::harness::{ABSENT, Backend, ECHO, OWNER, SILENT, World, both_backends, eventually};

const FRIEND: &str = "15551000001";

/// Waits until a list has an entry with that text.
async fn until_received(world: &World, session: &str, text: &str) {
    let api = world.api();
    eventually(&format!("{text} came in"), async || {
        let list = api.get(&format!("/v1/messages?sessionId={session}&direction=incoming")).await;
        let there = list.data().as_array().unwrap().iter().any(|row| row["text"] == text);
        there.then_some(()).ok_or(format!("{list:?}"))
    })
    .await;
}

async fn says(world: &World, phone: &str, to: &str, text: &str) {
    let sent = world.control().post(&format!("/control/phones/{phone}/send"), &json!({"to": to, "text": text})).await;
    assert!(sent.status < 300, "{sent:?}");
}

both_backends! {
    async fn chats_and_contacts_are_those_of_the_messages_and_reading_a_chat_tells_the_senders(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let api = world.api();
        world.send(&session, SILENT, "to the silent one").await.ok(201);
        says(&world, FRIEND, OWNER, "one").await;
        says(&world, FRIEND, OWNER, "two").await;
        until_received(&world, &session, "two").await;
        let body = json!({"sessionId": session, "subject": "Chatty", "participants": [FRIEND]});
        let group = api.post("/v1/groups", &body).await.ok(201)["groupId"].as_str().unwrap().to_owned();
        says(&world, FRIEND, &group, "in the group").await;
        until_received(&world, &session, "in the group").await;

        let chats = api.get(&format!("/v1/chats?sessionId={session}")).await;
        let shown: Vec<_> = chats.ok(200).as_array().unwrap().iter()
            .map(|chat| (chat["type"].clone(), chat["name"].clone(), chat["unreadCount"].clone(), chat["lastMessage"]["text"].clone()))
            .collect();
        assert_eq!(shown, [
            (json!("group"), json!("Chatty"), json!(1), json!("in the group")),
            (json!("person"), json!(format!("Contact {FRIEND}")), json!(2), json!("two")),
            (json!("person"), Value::Null, json!(0), json!("to the silent one")),
        ]);
        let first = api.get(&format!("/v1/chats?sessionId={session}&limit=1")).await;
        let next = first.json["page"]["next"].as_str().unwrap().to_owned();
        let second = api.get(&format!("/v1/chats?sessionId={session}&limit=1&cursor={next}")).await;
        assert_eq!(second.ok(200)[0]["phoneNumber"], FRIEND);

        let contacts = api.get(&format!("/v1/contacts?sessionId={session}")).await;
        let people: Vec<_> = contacts.ok(200).as_array().unwrap().iter().map(|one| one["phoneNumber"].as_str().unwrap()).collect();
        assert_eq!(people, [FRIEND, SILENT]);
        assert!(contacts.data()[0]["lid"].as_str().unwrap().ends_with("@lid"), "{contacts:?}");

        for (chat, read) in [(FRIEND, 2), (group.as_str(), 1), (FRIEND, 0)] {
            let done = api.post(&format!("/v1/chats/{chat}/read"), &json!({"sessionId": session})).await;
            assert_eq!(done.ok(200)["read"], read, "{chat}");
        }
        eventually("the sender knows that all three were read", async || {
            let ledger = world.control().get(&format!("/control/phones/{FRIEND}/messages")).await;
            let own: Vec<_> = ledger.data().as_array().unwrap().iter().filter(|entry| entry["fromMe"] == true).cloned().collect();
            let read = own.iter().filter(|entry| entry["readAtMs"].is_u64()).count();
            (read == 3).then_some(()).ok_or(format!("{own:?}"))
        })
        .await;
        let chats = api.get(&format!("/v1/chats?sessionId={session}")).await;
        assert!(chats.ok(200).as_array().unwrap().iter().all(|chat| chat["unreadCount"] == 0), "{chats:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_has_about_and_picture_and_can_be_blocked() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    let api = world.api();
    let jpeg = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [0xff, 0xd8, 0xff, 0xe0, 7, 7]);
    let profile = json!({"about": "Gone fishing", "picture": jpeg});
    assert!(world.control().post(&format!("/control/phones/{FRIEND}/profile"), &profile).await.status < 300);

    let shown = api.get(&format!("/v1/contacts/{FRIEND}?sessionId={session}")).await;
    let shown = shown.ok(200);
    assert_eq!((&shown["about"], &shown["onWhatsapp"], &shown["phoneNumber"]), (&json!("Gone fishing"), &json!(true), &json!(FRIEND)));
    let picture = api.get(&format!("/v1/contacts/{FRIEND}/picture?sessionId={session}")).await;
    assert_eq!(picture.ok(200)["pictureId"], shown["pictureId"]);
    assert!(picture.data()["url"].as_str().unwrap().starts_with("http"), "{picture:?}");
    api.get(&format!("/v1/contacts/{ECHO}/picture?sessionId={session}&size=preview")).await.refused(ErrorCode::ResourceNotFound);
    api.get(&format!("/v1/contacts/{ABSENT}?sessionId={session}")).await.refused(ErrorCode::ResourceNotFound);
    let odd = api.get(&format!("/v1/contacts/12ab?sessionId={session}")).await;
    assert_eq!(odd.refused(ErrorCode::InvalidPhoneNumber)["field"], "contactId");
    assert_eq!(api.get("/v1/contacts").await.refused(ErrorCode::MissingRequiredParameter)["field"], "sessionId");

    let block = api.post(&format!("/v1/contacts/{FRIEND}/block"), &json!({"sessionId": session})).await;
    assert_eq!(block.ok(200)["blocked"], true);
    let blocked = api.get(&format!("/v1/contacts/blocked?sessionId={session}")).await;
    assert_eq!(blocked.ok(200)[0]["phoneNumber"], FRIEND, "{blocked:?}");
    says(&world, FRIEND, OWNER, "can you hear me?").await;
    let unblock = api.post(&format!("/v1/contacts/{FRIEND}/unblock"), &json!({"sessionId": session})).await;
    assert_eq!(unblock.ok(200)["blocked"], false);
    assert_eq!(api.get(&format!("/v1/contacts/blocked?sessionId={session}")).await.ok(200), &json!([]));
    says(&world, FRIEND, OWNER, "and now?").await;
    until_received(&world, &session, "and now?").await;
    let list = api.get(&format!("/v1/messages?sessionId={session}&direction=incoming")).await;
    assert!(list.ok(200).as_array().unwrap().iter().all(|row| row["text"] != "can you hear me?"));
    api.post(&format!("/v1/contacts/{ABSENT}/block"), &json!({"sessionId": session})).await.refused(ErrorCode::RecipientNotOnWhatsapp);
}

#[tokio::test(flavor = "multi_thread")]
async fn typing_and_presence_are_seen_on_both_sides() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    let (api, control) = (world.api(), world.control());
    let typing = async |state: &str| {
        let shown = api.post(&format!("/v1/chats/{FRIEND}/typing"), &json!({"sessionId": session, "status": state})).await;
        shown.ok(200).clone()
    };
    let seen = async |state: Option<&str>| {
        eventually(&format!("the phone sees {state:?}"), async || {
            let seen = control.get(&format!("/control/phones/{FRIEND}/typing")).await;
            let first = seen.data()[0].clone();
            let is = match state {
                Some(state) => first["state"] == state && first["from"] == OWNER,
                None => seen.data() == &json!([]),
            };
            is.then_some(()).ok_or(format!("{seen:?}"))
        })
        .await;
    };
    assert!(typing("typing").await["expiresAt"].is_string());
    seen(Some("typing")).await;
    typing("recording").await;
    seen(Some("recording")).await;
    assert_eq!(typing("paused").await, json!({"status": "paused"}));
    seen(None).await;
    // Nobody says that it stopped: it ends by itself, before a phone would stop to show it.
    typing("typing").await;
    seen(Some("typing")).await;
    seen(None).await;
    let odd = api.post(&format!("/v1/chats/{FRIEND}/typing"), &json!({"sessionId": session, "status": "dancing"})).await;
    assert_eq!(odd.refused(ErrorCode::InvalidRequest)["field"], "status");
    let odd = api.post("/v1/chats/12ab/typing", &json!({"sessionId": session, "status": "typing"})).await;
    assert_eq!(odd.refused(ErrorCode::InvalidPhoneNumber)["field"], "chatId");

    // The account shows itself, and is told of the other.
    api.post("/v1/presence", &json!({"sessionId": session, "status": "available"})).await.ok(200);
    eventually("the network shows the owner online", async || {
        let shown = control.get(&format!("/control/phones/{OWNER}")).await;
        (shown.data()["online"] == true).then_some(()).ok_or(format!("{shown:?}"))
    })
    .await;
    let presence = async |wanted: &dyn Fn(&Value) -> bool| {
        eventually("the presence is told", async || {
            let shown = api.get(&format!("/v1/contacts/{FRIEND}/presence?sessionId={session}")).await;
            wanted(shown.ok(200)).then_some(()).ok_or(format!("{shown:?}"))
        })
        .await;
    };
    presence(&|shown| shown["status"] == "unavailable").await;
    control.post(&format!("/control/phones/{FRIEND}/presence"), &json!({"state": "available"})).await;
    presence(&|shown| shown["status"] == "available").await;
    control.post(&format!("/control/phones/{FRIEND}/typing"), &json!({"to": OWNER, "state": "typing"})).await;
    presence(&|shown| shown["typing"] == "typing").await;
    control.post(&format!("/control/phones/{FRIEND}/typing"), &json!({"to": OWNER, "state": "paused"})).await;
    presence(&|shown| shown.get("typing").is_none()).await;
}
