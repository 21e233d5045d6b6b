//! Groups that the session was in: what it knew of them stays.

use serde_json::json;
use wharf_api::ErrorCode;

use crate::harness::{OWNER, SILENT, World, both_backends, eventually};

both_backends! {
    async fn a_group_that_the_session_was_removed_from_keeps_its_name_and_takes_no_message(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let group = world.group_of(SILENT, &[OWNER]).await;
        let said = world.writes_as(SILENT, &group, json!({"text": "hello all"})).await;
        world.row(&session, &said, |_| true).await;
        assert_eq!(world.chat(&session).await["name"], "before");
        let gone = json!({"by": SILENT, "action": "remove", "numbers": [OWNER]});
        world.control().post(&format!("/control/groups/{group}/participants"), &gone).await.ok(200);
        world.until_acknowledged(OWNER).await;
        let written = world.api().get(&format!("/v1/messages?sessionId={session}")).await.ok(200).as_array().unwrap().len();
        for again in [false, true] {
            let refused = world.send(&session, &group, "am I still here?").await;
            assert_eq!(refused.refused(ErrorCode::UnsupportedOperation)["reason"], "the session is not in this group");
            let chat = world.chat(&session).await;
            assert_eq!((&chat["name"], &chat["chatId"]), (&json!("before"), &json!(group)), "{chat}");
            assert!(chat["leftAt"].is_string(), "{chat}");
            let shown = world.api().get(&format!("/v1/groups/{group}?sessionId={session}")).await.ok(200).clone();
            assert_eq!((&shown["subject"], &shown["leftAt"]), (&json!("before"), &chat["leftAt"]), "{shown}");
            let members = shown["participants"].as_array().unwrap();
            assert!(members.len() == 1 && members[0]["phoneNumber"] == SILENT, "{shown}");
            if !again {
                world.stop_gateway().await;
                world.start_gateway(&[]).await;
                world.until_connected(&session).await;
            }
        }
        let rows = world.api().get(&format!("/v1/messages?sessionId={session}")).await.ok(200).as_array().unwrap().len();
        assert_eq!(rows, written, "a refused message is in the log");
        // Who is let in again writes as before.
        let back = json!({"by": SILENT, "action": "add", "numbers": [OWNER]});
        world.control().post(&format!("/control/groups/{group}/participants"), &back).await.ok(200);
        world.send(&session, &group, "here I am").await.ok(201);
        assert!(world.chat(&session).await["leftAt"].is_null());
    }

    async fn a_group_that_was_never_looked_at_is_known_when_the_session_is_out_of_it(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let group = world.group_of(SILENT, &[OWNER]).await;
        let said = world.writes_as(SILENT, &group, json!({"text": "hello all"})).await;
        world.row(&session, &said, |_| true).await;
        let known = format!("SELECT COUNT(*) FROM chat_names WHERE session_id = '{session}' AND shown IS NOT NULL");
        eventually("the group is known", async || {
            let known = world.database().count(&world.dir().join("gateway"), &known).await;
            (known == 1).then_some(()).ok_or(known.to_string())
        })
        .await;
        world.stop_gateway().await;
        // It learns of it only from what it is refused.
        let gone = json!({"by": SILENT, "action": "remove", "numbers": [OWNER]});
        world.control().post(&format!("/control/groups/{group}/participants"), &gone).await.ok(200);
        world.start_gateway(&[]).await;
        world.until_connected(&session).await;
        let chat = world.chat(&session).await;
        assert_eq!(chat["name"], "before", "{chat}");
        assert!(chat["leftAt"].is_string(), "{chat}");
        world.send(&session, &group, "am I still here?").await.refused(ErrorCode::UnsupportedOperation);
        // Nor is there anything of a group that the session never saw.
        world.send(&session, "120363999999999999@g.us", "hello?").await.refused(ErrorCode::UnsupportedOperation);
        world.api().get(&format!("/v1/groups/120363999999999999?sessionId={session}")).await.refused(ErrorCode::ResourceNotFound);
    }
}
