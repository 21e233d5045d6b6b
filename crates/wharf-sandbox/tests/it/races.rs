//! Limits under many requests at once: exactly as many get through as the plan says.

use futures::future::join_all;
use serde_json::json;
use wharf_api::ErrorCode;

use crate::harness::{SILENT, World, both_backends};

both_backends! {
    async fn of_many_sessions_that_are_made_at_once_exactly_the_plans_number_is(backend) {
        let world = World::start(backend).await;
        let limits = json!({"messagesPerDay": 10, "callsPerMinute": 1000, "sessions": 5, "concurrentRequests": 100});
        let (api, _) = world.tenant("five", &limits).await;
        let replies = join_all((0..20).map(|number| {
            let api = api.clone();
            async move { api.post("/v1/sessions", &json!({"name": format!("s{number}")})).await }
        }))
        .await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 5, "{replies:?}");
        for refused in replies.iter().filter(|reply| reply.status != 201) {
            assert_eq!(refused.refused(ErrorCode::SessionLimitReached)["limit"], 5, "{refused:?}");
        }
        assert_eq!(api.get("/v1/sessions").await.ok(200).as_array().unwrap().len(), 5);
        // A place that becomes free is one place.
        let gone = api.get("/v1/sessions?limit=1").await.ok(200)[0]["sessionId"].as_str().unwrap().to_owned();
        api.delete(&format!("/v1/sessions/{gone}")).await.ok(200);
        let again = join_all((0..4).map(|_| async { api.post("/v1/sessions", &json!({"name": "again"})).await.status })).await;
        assert_eq!(again.iter().filter(|status| **status == 201).count(), 1, "{again:?}");
    }

    async fn of_many_messages_that_are_sent_at_once_exactly_the_days_number_is_accepted(backend) {
        let world = World::start(backend).await;
        let limits = json!({"messagesPerDay": 10, "callsPerMinute": 1000, "sessions": 1, "concurrentRequests": 100});
        let (api, _) = world.tenant("ten", &limits).await;
        let created = api.post("/v1/sessions", &json!({"name": "s"})).await;
        let session = created.ok(201)["sessionId"].as_str().unwrap().to_owned();
        world.scan(created.data()["qr"].as_str().unwrap(), "15550000077").await;
        crate::harness::eventually("the session is connected", async || {
            let shown = api.get(&format!("/v1/sessions/{session}")).await;
            (shown.data()["status"] == "connected").then_some(()).ok_or(format!("{shown:?}"))
        })
        .await;
        let replies = join_all((0..30).map(|number| {
            let body = json!({"sessionId": session, "to": SILENT, "text": format!("t{number}"), "async": number % 2 == 0});
            let api = api.clone();
            async move { api.post("/v1/messages/text", &body).await }
        }))
        .await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 10, "{replies:?}");
        for refused in replies.iter().filter(|reply| reply.status != 201) {
            let details = refused.refused(ErrorCode::DailyMessageLimitReached);
            assert_eq!((&details["limit"], details["resetAt"].is_string()), (&json!(10), true), "{refused:?}");
        }
        assert_eq!(api.get("/v1/usage").await.ok(200)["today"]["messages"], 10);
        crate::harness::eventually("all ten arrive, each once", async || {
            let shown = world.ledger(SILENT).await;
            let once = shown.len() == 10 && shown.iter().all(|entry| entry["copies"] == 1);
            once.then_some(()).ok_or(format!("{shown:?}"))
        })
        .await;
        // A larger plan opens the same day again, for what is left of it.
        let limits = json!({"messagesPerDay": 11, "callsPerMinute": 1000, "sessions": 1, "concurrentRequests": 100});
        world.operator().put("/v1/admin/plans/ten", &limits).await.ok(200);
        let body = json!({"sessionId": session, "to": SILENT, "text": "one more"});
        api.post("/v1/messages/text", &body).await.ok(201);
        api.post("/v1/messages/text", &body).await.refused(ErrorCode::DailyMessageLimitReached);
    }
}
