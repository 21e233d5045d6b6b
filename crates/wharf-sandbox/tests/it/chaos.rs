//! Events under fire: nothing is lost on the way to a receiver that does its worst, nor to one that comes and goes.
//!
//! The everyday run is small. The full one: `WHARF_CHAOS_TEXTS=2000 WHARF_CHAOS_KILLS=30 cargo test -p wharf-sandbox chaos:: -- --nocapture`

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::harness::checker::{Ground, Promise};
use crate::harness::{Api, Got, Hook, Mode, OWNER, READER, SILENT, World, both_backends, eventually};

const ENV: [(&str, &str); 2] =
    [("WHARF_WEBHOOK_RETRY_PAUSES_SECS", "0.1,0.1,0.1,0.2,0.2,0.2,0.2,0.2,0.2"), ("WHARF_WEBHOOK_OVERLOAD_PAUSE_SECS", "0.2")];
/// What timed out is tried again soon, so that everything has arrived soon after the hanging ends.
const HASTE: [(&str, &str); 2] =
    [("WHARF_WEBHOOK_RETRY_PAUSES_SECS", "5,5,5,5,5,5,5,5,5,5,5,5"), ("WHARF_WEBHOOK_OVERLOAD_PAUSE_SECS", "5")];
/// How many events each of them is owed: after the first has timed out the second hangs.
const EVENTS_THAT_HANG: usize = 2;
/// How many times the receiver may say that it is gone: somebody has to switch the webhook on again each time.
const GONE: usize = 5;

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The receiver's moods, the same for an event in every run with the same events: up to three failures, then it takes it.
struct Moods {
    tries: Mutex<HashMap<String, u64>>,
    gone: Mutex<usize>,
}

impl Moods {
    fn mode(&self, got: &Got) -> Mode {
        if got.body.contains("\"webhook.test\"") {
            return Mode::Answer(200);
        }
        let mut hasher = DefaultHasher::new();
        got.id().hash(&mut hasher);
        let dice = hasher.finish();
        let mut tries = self.tries.lock().unwrap();
        let tried = tries.entry(got.id().to_owned()).or_default();
        *tried += 1;
        if *tried > dice % 4 {
            return Mode::Answer(200);
        }
        match (dice >> 8).wrapping_add(*tried * 7) % 200 {
            0..=1 => Mode::Silence,
            2..=4 => {
                let mut gone = self.gone.lock().unwrap();
                *gone += 1;
                Mode::Answer(if *gone <= GONE { 410 } else { 500 })
            }
            5..=60 => Mode::With(429, "retry-after", "1".to_owned()),
            61..=110 => Mode::With(302, "location", "/elsewhere".to_owned()),
            _ => Mode::Answer(500),
        }
    }
}

/// Sends texts, and notes which of them were promised.
async fn send(api: &Api, ground: &mut Ground, texts: Vec<String>) {
    let sends = texts.into_iter().map(|text| {
        let (api, body) = (api.clone(), json!({"sessionId": ground.session, "to": READER, "text": text, "async": true}));
        async move { (api.try_post("/v1/messages/text", &body).await, text) }
    });
    let answers = futures::stream::iter(sends).buffer_unordered(16).collect::<Vec<_>>().await;
    for (answer, text) in answers {
        match answer.filter(|reply| reply.status == 201) {
            Some(reply) => {
                let id = reply.data()["messageId"].as_str().unwrap().to_owned();
                ground.accepted.insert(id, Promise { at: READER, text: Some(text) });
            }
            None => drop(ground.unanswered.insert(text)),
        }
    }
}

/// Switches the webhook on again where the receiver had it switched off, and has it get what it missed.
async fn keep_on(api: &Api, webhook: &str, since: &Value) {
    let path = format!("/v1/webhooks/{webhook}");
    if api.get(&path).await.ok(200)["enabled"] == false {
        api.patch(&path, &json!({"enabled": true})).await.ok(200);
        api.post(&format!("{path}/recover"), &json!({"since": since})).await.ok(200);
    }
}

/// What the gateway says of its own memory.
async fn memory_mib(api: &Api) -> f64 {
    let page = api.get("/metrics").await;
    let text = String::from_utf8_lossy(&page.bytes).into_owned();
    let bytes = text.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes ")).expect("the metric is there");
    bytes.parse::<f64>().unwrap() / 1_048_576.0
}

both_backends! {
    async fn every_event_reaches_a_receiver_that_does_its_worst_while_the_gateway_is_killed(backend) {
        let (texts, kills) = (setting("WHARF_CHAOS_TEXTS", 60), setting("WHARF_CHAOS_KILLS", 3));
        let mut world = World::start_with(backend, &ENV).await;
        let hook = Hook::start().await;
        let moods = Arc::new(Moods { tries: Mutex::default(), gone: Mutex::default() });
        hook.judge({
            let moods = Arc::clone(&moods);
            move |got| moods.mode(got)
        });
        let created = world.api().post("/v1/webhooks", &json!({"url": hook.url("/x"), "events": ["*"]})).await;
        let (webhook, secret) = (created.ok(201)["webhookId"].as_str().unwrap().to_owned(), created.data()["secret"].as_str().unwrap().to_owned());
        let since = created.data()["createdAt"].clone();
        let session = world.pair(OWNER).await;
        let (mut killed, mut ground) = (Vec::new(), Ground::of(OWNER, &session));
        for round in 0..=kills {
            world.until_connected(&session).await;
            let api = world.api();
            keep_on(&api, &webhook, &since).await;
            send(&api, &mut ground, (0..texts / (kills + 1)).map(|text| format!("{round} {text}")).collect()).await;
            if round < kills {
                // The moment of the kill is what the test is about.
                tokio::time::sleep(Duration::from_millis(u64::try_from(round % 7).unwrap() * 60)).await;
                let kill = Instant::now();
                world.kill_gateway().await;
                world.start_gateway(&ENV).await;
                killed.push((kill, Instant::now()));
            }
        }
        let api = world.api();
        let deadline = Instant::now() + Duration::from_secs(setting("WHARF_CHAOS_PATIENCE_SECS", 180) as u64);
        let (events, got) = loop {
            keep_on(&api, &webhook, &since).await;
            // What came first: receipts go on coming in, and what comes after the look at the log is not known to it.
            let got = hook.got("/x");
            let events = api.steps().await;
            let taken: BTreeSet<&str> = got.iter().filter(|got| got.status == 200).map(Got::id).collect();
            // A disabled webhook is no event of its own when that happened: its announcement is.
            let missing: Vec<_> = events.iter().filter(|event| !taken.contains(event["eventId"].as_str().unwrap())).collect();
            let queued = api.get("/v1/messages?status=queued&limit=1").await.ok(200).as_array().unwrap().len();
            if missing.is_empty() && queued == 0 {
                break (events, got);
            }
            let (lacks, of) = (missing.len(), events.len());
            assert!(Instant::now() < deadline, "{lacks} of {of} events are missing, {queued} are queued: {missing:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        };

        let known: BTreeSet<&str> = events.iter().map(|event| event["eventId"].as_str().unwrap()).collect();
        let mut by_id: BTreeMap<&str, Vec<&Got>> = BTreeMap::new();
        for got in &got {
            by_id.entry(got.id()).or_default().push(got);
        }
        let (mut twice, mut unexplained) = (0, 0);
        for (id, tries) in &by_id {
            assert!(known.contains(id), "{id} stands in no log");
            assert!(tries.iter().all(|tried| tried.body == tries[0].body), "{id} changed on its way");
            assert!(tries.iter().all(|tried| tried.verifies(&secret) || tried.at.elapsed() > Duration::from_secs(250)), "{id} is not signed");
            let taken: Vec<_> = tries.iter().filter(|tried| tried.status == 200).map(|tried| tried.at).collect();
            for pair in taken.windows(2) {
                twice += 1;
                // What the dead one had written is read when the receiver has its turn, which may be as late as the next one's start.
                unexplained += usize::from(!killed.iter().any(|(kill, next)| pair[0] <= *next && *kill <= pair[1]));
            }
        }
        let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
        for got in &got {
            *statuses.entry(got.status).or_default() += 1;
        }
        println!(
            "{backend:?}: {} events, {} kills, {} requests by status {statuses:?}, lost 0, taken twice {twice}, of these without a lost answer {unexplained}",
            events.len(),
            killed.len(),
            got.len()
        );
        ground.is_sound(&world, Some((&hook, "/x"))).await;
        assert_eq!(unexplained, 0, "an event was taken twice although its answer was not lost");
    }

    async fn endpoints_that_hang_delay_nobody_else(backend) {
        let (hanging, rounds) = (setting("WHARF_CHAOS_HANGING", 100), setting("WHARF_CHAOS_ROUNDS", 2));
        let samples = setting("WHARF_CHAOS_SAMPLES", 60);
        let world = World::start_with(backend, &HASTE).await;
        let hook = Hook::start().await;
        let (hang, begun) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        hook.judge({
            let (hang, begun) = (Arc::clone(&hang), Arc::clone(&begun));
            move |got| {
                if got.path == "/well" || got.body.contains("\"webhook.test\"") || !hang.load(Ordering::SeqCst) {
                    return Mode::Answer(204);
                }
                begun.fetch_add(1, Ordering::SeqCst);
                Mode::Silence
            }
        });
        let api = world.api();
        api.post("/v1/webhooks", &json!({"url": hook.url("/well"), "events": ["message.status"]})).await.ok(201);
        let session = world.pair(OWNER).await;
        let mut tenants = Vec::new();
        for first in (0..hanging).step_by(100) {
            let (tenant, session) = other_tenant(&world, first).await;
            for number in first..hanging.min(first + 100) {
                let url = hook.url(&format!("/hangs/{number}"));
                tenant.post("/v1/webhooks", &json!({"url": url, "events": ["message.sent"], "timeoutSeconds": 30})).await.ok(201);
            }
            tenants.push((tenant, session));
        }
        latencies(&api, &hook, &session, samples).await;
        let (mut alone, mut beside, mut memory) = (Vec::new(), Vec::new(), vec![memory_mib(&api).await]);
        let mut unmoved = 0;
        for round in 1..=rounds {
            // Half of it before and half of it after: what grows with the number of texts grows on both sides.
            alone.extend(latencies(&api, &hook, &session, samples / 2).await);
            let began = Instant::now();
            hang.store(true, Ordering::SeqCst);
            for (tenant, session) in &tenants {
                for _ in 0..EVENTS_THAT_HANG {
                    tenant.post("/v1/messages/text", &json!({"sessionId": session, "to": SILENT, "text": "x"})).await.ok(201);
                }
            }
            eventually("all of them hang", async || {
                let hangs = |number| hook.find(&format!("/hangs/{number}"), |got| got.status == 0 && got.at > began).is_some();
                let hang = (0..hanging).filter(|number| hangs(*number)).count();
                (hang == hanging).then_some(()).ok_or(format!("{hang}"))
            })
            .await;
            for _ in 0..samples {
                let before = begun.load(Ordering::SeqCst);
                beside.extend(latencies(&api, &hook, &session, 1).await);
                unmoved += usize::from(begun.load(Ordering::SeqCst) == before);
            }
            memory.push(memory_mib(&api).await);
            hang.store(false, Ordering::SeqCst);
            hook.release();
            eventually("everything arrives at last", async || {
                let owed = (0..hanging).filter(|number| {
                    let path = format!("/hangs/{number}");
                    hook.count(&path, |got| got.status == 204 && got.kind() == "message.sent") < EVENTS_THAT_HANG * round
                });
                let owed = owed.count();
                (owed == 0).then_some(()).ok_or(format!("{owed} endpoints are owed something"))
            })
            .await;
            alone.extend(latencies(&api, &hook, &session, samples / 2).await);
        }
        let ratio = |part: f64| at(&mut beside.clone(), part).as_secs_f64() / at(&mut alone.clone(), part).as_secs_f64();
        println!(
            "{backend:?}: an event reaches a healthy endpoint alone in {:?} (p99 {:?}), beside {hanging} that hang in {:?} (p99 {:?}): \
             ratio {:.2} (p99 {:.2}), {} events each in {rounds} turns; memory of the gateway in MiB before and after each turn {memory:.1?}",
            at(&mut alone.clone(), 0.5),
            at(&mut alone.clone(), 0.99),
            at(&mut beside.clone(), 0.5),
            at(&mut beside.clone(), 0.99),
            ratio(0.5),
            ratio(0.99),
            alone.len(),
        );
        // Where one of them times out its next request begins. Whoever waits for that arrives after it, however slow the machine is.
        assert!(unmoved * 2 > beside.len(), "an endpoint waits for those that hang: {unmoved} of {} events did not", beside.len());
        assert!(memory[rounds] < memory[1] * 1.25 + 8.0, "memory grows from turn to turn: {memory:?}");
    }

    async fn a_stream_and_a_pull_that_come_and_go_a_hundred_times_under_load_have_exactly_the_log(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let api = world.api();
        let start = api.get("/v1/events?cursor=latest").await.json["page"]["next"].as_str().unwrap().to_owned();
        let done = AtomicBool::new(false);
        let mut ground = Ground::of(OWNER, &session);
        let load = async {
            for round in 0..20 {
                send(&api, &mut ground, (0..10).map(|text| format!("{round} {text}")).collect()).await;
            }
            eventually("all texts are read", async || {
                // Whatever is not read yet has an event to come, which would lead the stream past the log's end.
                for status in ["queued", "sent", "delivered"] {
                    let open = api.get(&format!("/v1/messages?status={status}&limit=1")).await;
                    if !open.ok(200).as_array().unwrap().is_empty() {
                        return Err(format!("{open:?}"));
                    }
                }
                Ok(())
            })
            .await;
            done.store(true, Ordering::SeqCst);
        };
        let streaming = async {
            let (mut seen, mut last, mut visits) = (Vec::new(), start.clone(), 0);
            while visits < 100 || !done.load(Ordering::SeqCst) {
                visits += 1;
                visit(&api, &mut last, 1 + visits % 9, &mut seen).await;
            }
            (seen, last, visits)
        };
        let pulling = async {
            let (mut seen, mut after) = (Vec::new(), start.clone());
            while !done.load(Ordering::SeqCst) {
                let page = api.get(&format!("/v1/events?limit=7&wait=1&cursor={after}")).await;
                seen.extend(page.ok(200).as_array().unwrap().iter().map(|event| event["eventId"].as_str().unwrap().to_owned()));
                page.json["page"]["next"].as_str().unwrap().clone_into(&mut after);
            }
            (seen, after)
        };
        let ((), (mut streamed, mut last, visits), (mut pulled, mut after)) = tokio::join!(load, streaming, pulling);
        // Receipts may still be coming in; from here on both are led to the end of the log.
        let wanted: Vec<String> = eventually("the log has come to rest", async || {
            let one = api.log().await.len();
            tokio::time::sleep(Duration::from_millis(300)).await;
            let two = api.log().await;
            if two.len() == one { Ok(two) } else { Err(String::new()) }
        })
        .await
        .iter()
        .map(|event| event["eventId"].as_str().unwrap().to_owned())
        .collect();
        loop {
            let page = api.get(&format!("/v1/events?limit=200&cursor={after}")).await;
            if page.ok(200).as_array().unwrap().is_empty() {
                break;
            }
            pulled.extend(page.data().as_array().unwrap().iter().map(|event| event["eventId"].as_str().unwrap().to_owned()));
            page.json["page"]["next"].as_str().unwrap().clone_into(&mut after);
        }
        while streamed.last() != wanted.last() {
            visit(&api, &mut last, 50, &mut streamed).await;
        }
        ground.is_sound(&world, None).await;
        let tail = &wanted[wanted.len() - pulled.len()..];
        assert_eq!(pulled, tail, "the pull has exactly the log");
        assert_eq!(streamed, tail, "the stream has exactly the log");
        println!("{backend:?}: {} events, the stream was opened {visits} times: nothing missing, nothing twice, nothing out of order", tail.len());
        assert!(visits >= 100 && tail.len() > 500);
    }
}

/// For each of so many texts, one after the other, the time from the request until the healthy endpoint is told that it is queued.
async fn latencies(api: &Api, hook: &Hook, session: &str, texts: usize) -> Vec<Duration> {
    let mut times = Vec::new();
    for _ in 0..texts {
        let started = Instant::now();
        let body = json!({"sessionId": session, "to": SILENT, "text": "how soon", "async": true});
        let id = api.post("/v1/messages/text", &body).await.ok(201)["messageId"].as_str().unwrap().to_owned();
        let told = async |status: &str| {
            eventually("it arrives", async || {
                let what = |got: &Got| got.body.contains(&id) && got.event()["data"]["status"] == status;
                hook.find_since(started, "/well", what).map(|got| got.at).ok_or(String::new())
            })
            .await
        };
        times.push(told("queued").await.duration_since(started));
        // What the text does after that is not to be in the way of the next one.
        told("sent").await;
    }
    times
}

/// The time that this part of them does not exceed.
fn at(times: &mut [Duration], part: f64) -> Duration {
    times.sort_unstable();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in a short list")]
    let place = (times.len() as f64 * part) as usize;
    times[place.min(times.len() - 1)]
}

/// An account of its own with a connected session.
async fn other_tenant(world: &World, number: usize) -> (Api, String) {
    let (tenant, _) = world.tenant(&format!("hanging-{number}"), &json!({"callsPerMinute": 100_000, "concurrentRequests": 100})).await;
    let created = tenant.post("/v1/sessions", &json!({"name": "hangs"})).await;
    let session = created.ok(201)["sessionId"].as_str().unwrap().to_owned();
    world.scan(created.data()["qr"].as_str().unwrap(), &format!("1555000{:04}", 5000 + number)).await;
    eventually("it is connected", async || {
        let shown = tenant.get(&format!("/v1/sessions/{session}")).await;
        (shown.data()["status"] == "connected").then_some(()).ok_or(format!("{shown:?}"))
    })
    .await;
    (tenant, session)
}

/// Opens the stream after `last`, takes a few events or what comes within a moment, and leaves in the middle.
async fn visit(api: &Api, last: &mut String, events: usize, seen: &mut Vec<String>) {
    let response =
        api.request("GET", "/v1/events").header("Accept", "text/event-stream").header("Last-Event-ID", last.as_str()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let (mut chunks, mut text, mut taken) = (response.bytes_stream(), String::new(), 0);
    while taken < events {
        let Ok(Some(Ok(chunk))) = tokio::time::timeout(Duration::from_millis(200), chunks.next()).await else { return };
        text.push_str(std::str::from_utf8(&chunk).unwrap());
        while let Some(end) = text.find("\n\n") {
            let block: String = text.drain(..end + 2).collect();
            let id = block.lines().find_map(|line| line.strip_prefix("id: ")).map(str::to_owned);
            if taken < events && block.contains("\ndata: ") {
                taken += 1;
                let id = id.expect("every event has an id");
                seen.push(id.clone());
                *last = id;
            }
        }
    }
}
