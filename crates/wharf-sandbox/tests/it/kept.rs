//! A plan whose accounts keep what was deleted for everyone.

use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::harness::{SILENT, World, both_backends, eventually};

const OTHER: &str = "15550002001";

both_backends! {
    async fn where_the_plan_keeps_it_what_was_deleted_stays_as_it_was_said_and_nothing_more_is_done_to_it(backend) {
        let world = World::start(backend).await;
        let plan = |kept: bool| json!({"callsPerMinute": 20_000, "concurrentRequests": 100, "keepDeleted": kept});
        let (api, account) = world.tenant("archive", &plan(true)).await;
        let shown = world.operator().get(&format!("/v1/admin/accounts/{account}")).await;
        assert_eq!(shown.ok(200)["limits"]["keepDeleted"], true);
        let paired = api.post("/v1/sessions", &json!({"name": "archive"})).await;
        let session = paired.ok(201)["sessionId"].as_str().unwrap().to_owned();
        world.scan(paired.data()["qr"].as_str().unwrap(), OTHER).await;
        let row = async |wa_id: &str, is: &dyn Fn(&Value) -> bool| {
            eventually("the message is as it should be", async || {
                let list = api.get(&format!("/v1/messages?sessionId={session}&limit=200")).await;
                let rows = list.data().as_array().cloned().unwrap_or_default();
                rows.into_iter().find(|row| row["whatsappId"] == wa_id && is(row)).ok_or(format!("{list:?}"))
            })
            .await
        };
        let writes = async |body: Value| world.writes_as(SILENT, OTHER, body).await;
        let text = writes(json!({"text": "card 4111"})).await;
        let edit = writes(json!({"type": "edit", "target": text, "text": "card 4111 1111"})).await;
        let file = writes(json!({"type": "image", "size": 5000, "caption": "the card"})).await;
        let stored = row(&file, &|row| row["mediaStatus"] == "stored").await;
        for wa_id in [&text, &file] {
            writes(json!({"type": "delete", "target": wa_id})).await;
        }
        let kept = row(&text, &|row| row["deletedAt"].is_string()).await;
        assert_eq!((&kept["type"], &kept["text"]), (&json!("text"), &json!("card 4111 1111")), "{kept}");
        assert_eq!(row(&edit, &|_| true).await["text"], "card 4111 1111");
        let picture = row(&file, &|row| row["deletedAt"].is_string()).await;
        assert_eq!((&picture["caption"], &picture["mediaId"]), (&json!("the card"), &stored["mediaId"]), "{picture}");
        assert_eq!(api.get(&format!("/v1/media/{}", stored["mediaId"].as_str().unwrap())).await.status, 200);

        let path = format!("/v1/messages/{}/forward", kept["messageId"].as_str().unwrap());
        let refused = api.post(&path, &json!({"to": SILENT})).await;
        assert_eq!(refused.refused(ErrorCode::UnsupportedOperation)["reason"], "the message is deleted");
        let liked = json!({"messageId": kept["messageId"], "emoji": "👍"});
        api.post("/v1/messages/reaction", &liked).await.refused(ErrorCode::UnsupportedOperation);
        let late = writes(json!({"type": "edit", "target": text, "text": "never said"})).await;
        row(&late, &|_| true).await;
        assert_eq!(row(&text, &|_| true).await["text"], "card 4111 1111", "what is deleted is not edited");

        // What is deleted after the plan has changed goes.
        world.operator().put("/v1/admin/plans/archive", &plan(false)).await.ok(200);
        let gone = writes(json!({"text": "not kept"})).await;
        row(&gone, &|_| true).await;
        writes(json!({"type": "delete", "target": gone})).await;
        assert!(row(&gone, &|row| row["type"] == "deleted").await["text"].is_null());
        assert_eq!(row(&text, &|_| true).await["text"], "card 4111 1111");
    }
}
