//! Requests to join a group have an end that everybody hears of who waits for it, and what can be of no use is refused.

use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::harness::{ABSENT, OWNER, READER, SILENT, World, both_backends, eventually};

const SECOND: &str = "15550000002";

impl World {
    async fn at(&self, group: &str, path: &str, body: Value) {
        self.control().post(&format!("/control/groups/{group}/{path}"), &body).await.ok(200);
    }

    /// What was told of the group, kind and people, in its order; each session once.
    async fn ends(&self, session: &str, group: &str, count: usize) -> Vec<(String, Value)> {
        eventually("the ends are told", async || {
            let query = format!("/v1/events?cursor=oldest&limit=200&sessionId={session}&events=group.updated");
            let list = self.api().get(&query).await;
            let about = |event: &&Value| {
                let data = &event["data"];
                data["groupId"] == group && data["type"].as_str().unwrap().starts_with("join_request")
            };
            let told = list.ok(200).as_array().unwrap().iter().filter(about);
            let told: Vec<_> = told
                .map(|event| (event["data"]["type"].as_str().unwrap().to_owned(), event["data"]["participants"][0]["lid"].clone()))
                .collect();
            (told.len() >= count).then(|| told.clone()).ok_or(format!("{told:?} of {list:?}"))
        })
        .await
    }
}

both_backends! {
    async fn a_request_to_join_that_is_rejected_withdrawn_or_approved_is_over_for_who_asked_and_for_who_decides(backend) {
        let world = World::start(backend).await;
        let (admin, guest) = (world.pair(OWNER).await, world.pair(SECOND).await);
        let api = world.api();
        let group = world.group_of(READER, &[OWNER]).await;
        world.at(&group, "participants", json!({"by": READER, "action": "promote", "numbers": [OWNER]})).await;
        world.at(&group, "settings", json!({"by": READER, "approval": true})).await;
        let invite = api.get(&format!("/v1/groups/{group}/invite?sessionId={admin}")).await.ok(200)["code"].clone();
        let asks = async || {
            let asked = api.post("/v1/groups/join", &json!({"sessionId": guest, "code": invite})).await;
            assert_eq!(asked.ok(200)["pending"], true, "{asked:?}");
        };
        let waiting = async || api.get(&format!("/v1/groups/{group}/requests?sessionId={admin}")).await.ok(200).as_array().unwrap().len();
        let (word, who) = (|kind: &str| format!("join_request{kind}"), json!(format!("77{SECOND}@lid")));

        // By another admin at the phone, then by our own.
        asks().await;
        world.at(&group, "participants", json!({"by": READER, "action": "reject", "numbers": [SECOND]})).await;
        assert_eq!(world.ends(&guest, &group, 1).await, [(word("_rejected"), who.clone())]);
        assert_eq!(waiting().await, 0);
        asks().await;
        let body = json!({"sessionId": admin, "participants": [SECOND]});
        assert_eq!(api.post(&format!("/v1/groups/{group}/requests/reject"), &body).await.ok(200)[0]["success"], true);
        assert_eq!(world.ends(&guest, &group, 2).await, [(word("_rejected"), who.clone()), (word("_rejected"), who.clone())]);
        // At the guest's own phone.
        asks().await;
        world.at(&group, "participants", json!({"by": SECOND, "action": "withdraw"})).await;
        assert_eq!(world.ends(&guest, &group, 3).await[2], (word("_withdrawn"), who.clone()));
        let seen: Vec<_> = world.ends(&admin, &group, 6).await.into_iter().map(|(kind, _)| kind).collect();
        let wanted = ["ed", "_rejected", "ed", "_rejected", "ed", "_withdrawn"].map(word);
        assert_eq!(seen, wanted, "every request and its end");

        // Approved by another admin: both hear that they are in.
        asks().await;
        world.at(&group, "participants", json!({"by": READER, "action": "approve", "numbers": [SECOND]})).await;
        for session in [&admin, &guest] {
            eventually("the guest is in", async || {
                let list = api.get(&format!("/v1/events?cursor=oldest&limit=200&sessionId={session}&events=group.updated")).await;
                let added = |event: &Value| event["data"]["type"] == "participants_added" && event["data"]["participants"][0]["phoneNumber"] == SECOND;
                list.ok(200).as_array().unwrap().iter().any(added).then_some(()).ok_or(format!("{list:?}"))
            })
            .await;
        }
        assert_eq!(waiting().await, 0);
    }

    async fn a_new_groups_event_says_what_it_is_called_whoever_made_it(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let body = json!({"sessionId": session, "subject": "made here", "participants": [SILENT]});
        world.api().post("/v1/groups", &body).await.ok(201);
        world.group_of(SILENT, &[OWNER]).await;
        let told = world.events("group.updated", 2).await;
        let subjects: Vec<_> = told.iter().map(|event| (event["data"]["type"].clone(), event["data"]["subject"].clone())).collect();
        assert_eq!(subjects, [(json!("created"), json!("made here")), (json!("created"), json!("before"))]);
    }

    async fn what_can_be_of_no_use_to_anybody_is_refused_and_one_person_is_one_by_either_name(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let api = world.api();
        let of_session = json!({"sessionId": session});
        for own in [OWNER.to_owned(), format!("77{OWNER}@lid"), format!("{OWNER}@s.whatsapp.net")] {
            for act in ["block", "unblock"] {
                let refused = api.post(&format!("/v1/contacts/{own}/{act}"), &of_session).await;
                let details = refused.refused(ErrorCode::InvalidPhoneNumber);
                assert!(details["field"] == "contactId" && details["reason"].as_str().unwrap().contains("itself"), "{own}: {details}");
            }
        }
        assert_eq!(api.get(&format!("/v1/contacts/blocked?sessionId={session}")).await.ok(200), &json!([]));
        let typing = json!({"sessionId": session, "status": "typing"});
        let refused = api.post(&format!("/v1/chats/{ABSENT}/typing"), &typing).await;
        assert_eq!(refused.refused(ErrorCode::RecipientNotOnWhatsapp)["field"], "chatId");
        api.post(&format!("/v1/chats/{SILENT}/typing"), &typing).await.ok(200);

        // The session knows both names of whom it has written to.
        world.send(&session, SILENT, "hello").await.ok(201);
        let status = json!({"sessionId": session, "to": "status", "text": "once", "audience": [SILENT, format!("77{SILENT}@lid"), READER]});
        let status = api.post("/v1/messages/text", &status).await.ok(201).clone();
        let id = status["messageId"].as_str().unwrap();
        let people = eventually("all of them have told", async || {
            let shown = api.get(&format!("/v1/messages/{id}")).await.ok(200).clone();
            let people = shown["receipts"].as_array().cloned().unwrap_or_default();
            (people.len() >= 2).then_some(people).ok_or(shown.to_string())
        })
        .await;
        assert_eq!(people.len(), 2, "{people:?}");
        let shown = world.shown_at(SILENT, &status).await;
        assert_eq!(shown["copies"], 1, "{shown}");
    }
}

both_backends! {
    async fn of_a_session_that_was_deleted_its_messages_stay_by_their_ids_and_in_lists_of_all(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let api = world.api();
        let sent = world.send(&session, SILENT, "stays").await.ok(201)["messageId"].as_str().unwrap().to_owned();
        let file = world.writes(json!({"type": "image", "size": 3000})).await;
        let file = world.row(&session, &file, |row| row["mediaStatus"] == "stored").await;
        api.delete(&format!("/v1/sessions/{session}")).await.ok(200);
        api.get(&format!("/v1/sessions/{session}")).await.refused(ErrorCode::SessionNotFound);
        api.get(&format!("/v1/messages?sessionId={session}")).await.refused(ErrorCode::SessionNotFound);
        assert_eq!(api.get(&format!("/v1/messages/{sent}")).await.ok(200)["text"], "stays");
        assert_eq!(api.get(&format!("/v1/media/{}", file["mediaId"].as_str().unwrap())).await.status, 200);
        assert_eq!(api.get("/v1/messages").await.ok(200).as_array().unwrap().len(), 2);
    }
}
