//! Limits as customers meet them: over many connections, with real time.

use std::fmt::Write as _;
use std::time::Duration;

use futures::future::join_all;
use futures::stream::{self, StreamExt};
use serde_json::json;
use tokio::time::Instant;
use wharf_api::ErrorCode;

use crate::harness::{Api, Backend, Hook, Reply, World, assert_includes, both_backends};

/// Calls `times` times over up to `at_a_time` connections.
async fn calls(api: &Api, times: usize, at_a_time: usize) -> Vec<Reply> {
    let call = |_| {
        let api = api.clone();
        async move { api.get("/v1/account").await }
    };
    stream::iter(0..times).map(call).buffer_unordered(at_a_time).collect().await
}

fn count(replies: &[Reply], status: u16) -> usize {
    replies.iter().filter(|reply| reply.status == status).count()
}

both_backends! {
    async fn an_account_has_a_hundred_webhooks_and_not_one_more(backend) {
        let world = World::start(backend).await;
        let (api, hook) = (world.api(), Hook::start().await);
        let make = async || api.post("/v1/webhooks", &json!({"url": hook.url("/x"), "events": ["message.received"]})).await;
        for _ in 0..99 {
            make().await.ok(201);
        }
        // Of several for the last place one gets it.
        let race = join_all((0..6).map(|_| make())).await;
        assert_eq!(race.iter().filter(|reply| reply.status == 201).count(), 1);
        for refused in race.iter().filter(|reply| reply.status != 201) {
            let details = refused.refused(ErrorCode::InvalidRequest);
            assert_eq!((&details["limit"], &details["actual"]), (&json!(100), &json!(100)));
        }
        let sessions = json!({"name": "x", "webhook": hook.url("/x")});
        assert_eq!(api.post("/v1/sessions", &sessions).await.refused(ErrorCode::InvalidRequest)["field"], "webhook");
        assert_eq!(api.get("/v1/sessions").await.ok(200), &json!([]), "and no session is made for it");
        let all = api.get("/v1/webhooks?limit=200").await.ok(200).as_array().unwrap().clone();
        assert_eq!(all.len(), 100);
        api.delete(&format!("/v1/webhooks/{}", all[0]["webhookId"].as_str().unwrap())).await.ok(200);
        api.post("/v1/sessions", &sessions).await.ok(201);
        make().await.refused(ErrorCode::InvalidRequest);
    }

    async fn a_burst_gets_the_limit_and_not_one_call_more(backend) {
        let world = World::start(backend).await;
        let (api, _) = world.tenant("tiny", &json!({"callsPerMinute": 50, "concurrentRequests": 500})).await;
        let began = Instant::now();
        let replies = calls(&api, 120, 40).await;
        // The first place is free a minute after it was taken.
        let soonest = 55_u64.saturating_sub(began.elapsed().as_secs());
        assert_eq!((count(&replies, 200), count(&replies, 429)), (50, 70));
        for reply in &replies {
            assert_eq!(reply.header("x-ratelimit-limit"), "50", "{reply:?}");
            let reset: u64 = reply.header("x-ratelimit-reset").parse().unwrap();
            assert!(reset > 1_700_000_000, "{reply:?}");
            if reply.status == 429 {
                let details = reply.refused(ErrorCode::RateLimitExceeded);
                assert_eq!(reply.header("x-ratelimit-remaining"), "0");
                let seconds: u64 = reply.header("retry-after").parse().unwrap();
                assert!((soonest..=61).contains(&seconds) && details["retryAfter"] == seconds, "{reply:?}");
            }
        }
        let mut left: Vec<u64> =
            replies.iter().filter(|reply| reply.status == 200).map(|reply| reply.header("x-ratelimit-remaining").parse().unwrap()).collect();
        left.sort_unstable();
        assert_eq!(left, (0..50).collect::<Vec<_>>());
        // Another account is not touched by it, and a larger plan frees the account at once.
        world.api().get("/v1/account").await.ok(200);
        world.operator().put("/v1/admin/plans/tiny", &json!({"callsPerMinute": 60, "concurrentRequests": 500})).await.ok(200);
        let replies = calls(&api, 20, 10).await;
        assert_eq!(count(&replies, 200), 10);
    }

    async fn an_account_on_the_free_plan_meets_each_of_its_limits(backend) {
        let world = World::start(backend).await;
        let operator = world.operator();
        let free = operator.get("/v1/admin/plans").await.ok(200)[0].clone();
        let promised = json!({"name": "free", "messagesPerDay": 100, "callsPerMinute": 100, "sessions": 1, "concurrentRequests": 10});
        assert_includes(&free, &promised);
        let account = operator.post("/v1/admin/accounts", &json!({"name": "ada", "plan": "free"})).await.ok(201)["accountId"].clone();
        let path = format!("/v1/admin/accounts/{}/api-keys", account.as_str().unwrap());
        let key = operator.post(&path, &json!({"name": "k", "permissions": ["account:read"]})).await;
        let api = operator.with_key(key.ok(201)["apiKey"].as_str().unwrap());
        // Errors after the key check are calls too, and carry the headers.
        let refused = api.get("/v1/sessions").await;
        refused.refused(ErrorCode::InsufficientPermissions);
        assert_eq!((refused.header("x-ratelimit-limit"), refused.header("x-ratelimit-remaining")), ("100", "99"));
        let replies = calls(&api, 110, 5).await;
        assert_eq!((count(&replies, 200), count(&replies, 429)), (99, 11));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_obeys_retry_after_is_let_in() {
    let world = World::start(Backend::Sqlite).await;
    let (api, _) = world.tenant("patient", &json!({"callsPerMinute": 20, "concurrentRequests": 100})).await;
    calls(&api, 20, 10).await;
    let again = async |_| {
        let refused = api.get("/v1/account").await;
        refused.refused(ErrorCode::RateLimitExceeded);
        // The pause is the one that the answer asks for.
        tokio::time::sleep(Duration::from_secs(refused.header("retry-after").parse().unwrap())).await;
        api.get("/v1/account").await.ok(200);
    };
    join_all((0..20).map(again)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes two minutes; the limiter's own tests do the same with a clock that is moved by hand"]
async fn twice_the_rate_for_two_minutes_gets_the_limit() {
    let world = World::start(Backend::Sqlite).await;
    let (api, _) = world.tenant("steady", &json!({"callsPerMinute": 600, "concurrentRequests": 500})).await;
    let started = Instant::now();
    let call = |number: u64| {
        let api = api.clone();
        async move {
            tokio::time::sleep_until(started + Duration::from_millis(number * 50)).await;
            api.get("/v1/account").await.status
        }
    };
    let accepted = join_all((0..2_399).map(call)).await.into_iter().filter(|status| *status == 200).count();
    println!("{accepted} of 2399 calls in two minutes were accepted, at a limit of 600 a minute");
    assert!((1_176..=1_200).contains(&accepted), "{accepted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_at_a_time_are_limited_and_a_long_poll_is_one() {
    let world = World::start(Backend::Sqlite).await;
    let (api, _) = world.tenant("narrow", &json!({"callsPerMinute": 1_000_000, "concurrentRequests": 2})).await;
    let created = api.post("/v1/sessions", &json!({"name": "s"})).await;
    let (session, qr) = (created.ok(201)["sessionId"].as_str().unwrap().to_owned(), created.data()["qr"].as_str().unwrap().to_owned());
    let poll = || {
        let known = qr.bytes().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "%{byte:02x}");
            text
        });
        let (api, path) = (api.clone(), format!("/v1/sessions/{session}/qr?wait=30&known={known}"));
        tokio::spawn(async move {
            // A look at the account may hold the place in the moment that the poll asks for it.
            while api.get(&path).await.status == 429 {}
        })
    };
    let polls = [poll(), poll()];
    // Until both are there, calls get through.
    let refused = crate::harness::eventually("both places are taken", async || {
        let reply = api.get("/v1/account").await;
        if reply.status == 429 { Ok(reply) } else { Err(format!("{reply:?}")) }
    })
    .await;
    assert_eq!(refused.refused(ErrorCode::ConcurrentRequestLimitExceeded)["limit"], 2);
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.header("x-ratelimit-limit"), "1000000");
    for poll in polls {
        poll.abort();
    }
    crate::harness::eventually("a client that left gives its place back", async || {
        let reply = api.get("/v1/account").await;
        (reply.status == 200).then_some(()).ok_or(format!("{reply:?}"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_bad_keys_is_turned_away_and_good_keys_from_there_keep_working() {
    let world = World::start(Backend::Sqlite).await;
    let (fresh, _) = world.tenant("fresh", &json!({"callsPerMinute": 1000, "concurrentRequests": 10})).await;
    let good = world.api();
    good.get("/v1/account").await.ok(200);
    let bad = good.with_key("nonsense");
    let replies = calls(&bad, 400, 20).await;
    assert_eq!(count(&replies, 401) + count(&replies, 429), 400);
    assert!((300..=320).contains(&count(&replies, 401)), "{}", count(&replies, 401));
    let refused = bad.get("/v1/account").await;
    refused.refused(ErrorCode::RateLimitExceeded);
    assert!((1..=60).contains(&refused.header("retry-after").parse::<u64>().unwrap()));
    bad.with_key("").get("/v1/account").await.refused(ErrorCode::RateLimitExceeded);
    assert_eq!(count(&calls(&good, 50, 10).await, 200), 50);
    // Also one that this process has not seen yet.
    fresh.get("/v1/account").await.ok(200);
    world.api().with_key("").get("/v1/errors").await.ok(200);
}
