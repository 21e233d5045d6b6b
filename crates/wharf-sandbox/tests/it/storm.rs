//! Both directions and all kinds at once, while the gateway is killed, the network cut and the database cut or slow: at the end the
//! checker and `doctor --deep` find nothing.
//!
//! The everyday run is small. The full one, which prints its figures:
//! `WHARF_STORM_KILLS=1000 WHARF_STORM_OUT=100000 WHARF_STORM_IN=100000 cargo xtask test --quick -- storm:: -- --nocapture`
//! `WHARF_STORM_RESTART` may name a command that restarts the PostgreSQL server; it runs in the middle of every fourth round.

use std::time::Duration;

use futures::StreamExt as _;
use serde_json::{Value, json};

use crate::harness::chance::Chance;
use crate::harness::chaos::Way;
use crate::harness::checker::{Ground, Promise};
use crate::harness::{Api, Backend, Hook, OWNER, PATIENCE, SILENT, World};

/// A receiver that was away for a moment gets it soon.
const ENV: [(&str, &str); 1] = [("WHARF_WEBHOOK_RETRY_PAUSES_SECS", "0.2,0.2,0.5,0.5,1,1,1,1,1,1")];

pub fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// A part of `whole` for each round; together they are the whole.
pub fn share(whole: usize, round: usize, rounds: usize) -> usize {
    whole * (round + 1) / rounds - whole * round / rounds
}

/// What was said before, on which later messages act. Each is edited or deleted once.
#[derive(Default)]
struct Past {
    mine: Vec<(String, String)>,
    theirs: Vec<String>,
    polls: Vec<String>,
}

/// One call of the API, and what follows when it is answered well.
enum Out {
    Text { to: String, text: String, later: bool },
    Poll,
    Reaction { target: String },
    Edit { target: (String, String), text: String },
    Delete { target: (String, String) },
}

impl Out {
    async fn call(&self, api: &Api, session: &str) -> Option<(u16, Value)> {
        let answered = match self {
            Self::Text { to, text, later } => {
                api.try_post("/v1/messages/text", &json!({"sessionId": session, "to": to, "text": text, "async": later})).await
            }
            Self::Poll => {
                let poll = json!({"sessionId": session, "to": SILENT, "question": "When?", "options": ["now", "later"]});
                api.try_post("/v1/messages/poll", &poll).await
            }
            Self::Reaction { target } => api.try_post("/v1/messages/reaction", &json!({"messageId": target, "emoji": "👍"})).await,
            Self::Edit { target, text } => {
                let request = api.request("PATCH", &format!("/v1/messages/{}", target.0)).json(&json!({"text": text}));
                crate::harness::api::try_read(request).await
            }
            Self::Delete { target } => crate::harness::api::try_read(api.request("DELETE", &format!("/v1/messages/{}", target.0))).await,
        };
        answered.map(|reply| (reply.status, reply.data().clone()))
    }
}

struct Storm {
    ground: Ground,
    past: Past,
    group: String,
    calls: usize,
    said: usize,
    answered: usize,
}

impl Storm {
    fn next_out(&mut self) -> Out {
        let number = self.calls;
        self.calls += 1;
        let text = |to: &str| Out::Text { to: to.to_owned(), text: format!("out {number}"), later: number.is_multiple_of(2) };
        match number % 10 {
            3 => text(&self.group),
            5 => Out::Poll,
            6 => self.past.mine.last().map_or_else(|| text(SILENT), |mine| Out::Reaction { target: mine.0.clone() }),
            7 => self.past.mine.pop().map_or_else(|| text(SILENT), |target| Out::Edit { target, text: format!("edited {number}") }),
            8 => self.past.mine.pop().map_or_else(|| text(SILENT), |target| Out::Delete { target }),
            _ => text(SILENT),
        }
    }

    fn note(&mut self, out: Out, answered: Option<(u16, Value)>) {
        let good = answered.filter(|(status, _)| matches!(status, 200 | 201));
        self.answered += usize::from(good.is_some());
        match (out, good) {
            (Out::Text { to, text, .. }, Some((_, row))) => {
                let (id, wa_id) = ids(&row);
                self.ground.accepted.insert(id.clone(), Promise { at: SILENT, text: Some(text) });
                if to == SILENT {
                    self.past.mine.insert(0, (id, wa_id));
                }
            }
            (Out::Text { text, .. }, None) => drop(self.ground.unanswered.insert(text)),
            (Out::Poll | Out::Reaction { .. }, Some((_, row))) => {
                self.ground.accepted.insert(ids(&row).0, Promise { at: SILENT, text: None });
            }
            (Out::Edit { target, text }, Some(_)) => {
                self.ground.became.push((target.1.clone(), "/text", json!(text)));
                self.ground.shows.push((SILENT, target.1, "text", json!(text)));
                // Its first words are shown no more.
                self.ground.accepted.entry(target.0).and_modify(|promise| promise.text = None);
            }
            (Out::Delete { target }, Some(_)) => {
                self.ground.became.push((target.1.clone(), "/type", json!("deleted")));
                self.ground.shows.push((SILENT, target.1, "deleted", json!(true)));
                self.ground.accepted.entry(target.0).and_modify(|promise| promise.text = None);
            }
            // It may have happened.
            (Out::Edit { target, .. } | Out::Delete { target }, None) => {
                self.ground.accepted.entry(target.0).and_modify(|promise| promise.text = None);
            }
            (Out::Poll | Out::Reaction { .. }, None) => {}
        }
    }

    /// Has the contact write so many, of all kinds.
    async fn listen(&mut self, world: &World, count: usize) {
        for _ in 0..count {
            let number = self.said;
            self.said += 1;
            let text = json!({"text": format!("in {number}")});
            let (to, body) = match number % 10 {
                1 => (self.group.clone(), text),
                2 => (OWNER.to_owned(), json!({"type": "poll", "question": "Tea?", "options": ["yes", "no"]})),
                3 => match self.past.polls.pop() {
                    Some(poll) => {
                        self.ground.became.push((poll.clone(), "/results/0/votes", json!(1)));
                        (OWNER.to_owned(), json!({"type": "vote", "target": poll, "options": ["yes"]}))
                    }
                    None => (OWNER.to_owned(), text),
                },
                4 => match self.past.theirs.last() {
                    Some(target) => (OWNER.to_owned(), json!({"type": "reaction", "target": target, "emoji": "👍"})),
                    None => (OWNER.to_owned(), text),
                },
                5 => match self.past.theirs.pop() {
                    Some(target) => {
                        let text = format!("edited {number}");
                        self.ground.became.push((target.clone(), "/text", json!(text)));
                        (OWNER.to_owned(), json!({"type": "edit", "target": target, "text": text}))
                    }
                    None => (OWNER.to_owned(), text),
                },
                6 => match self.past.theirs.pop() {
                    Some(target) => {
                        self.ground.became.push((target.clone(), "/type", json!("deleted")));
                        (OWNER.to_owned(), json!({"type": "delete", "target": target}))
                    }
                    None => (OWNER.to_owned(), text),
                },
                7 => (OWNER.to_owned(), json!({"type": "image", "size": 500, "viewOnce": true})),
                8 => ("status@broadcast".to_owned(), json!({"text": format!("status {number}"), "audience": [OWNER]})),
                _ => (OWNER.to_owned(), text),
            };
            let is_text = to == OWNER && body["type"].is_null();
            let is_poll = body["type"] == "poll";
            let what = format!("{number} of {body}");
            let wa_id = world.writes_as(SILENT, &to, body).await;
            if is_text {
                self.past.theirs.insert(0, wa_id.clone());
            } else if is_poll {
                self.past.polls.push(wa_id.clone());
            }
            // The library acknowledges statuses past us: README says so. They come, and a death may lose one.
            if to != "status@broadcast" {
                self.ground.written.insert(wa_id, what);
            }
        }
    }

    /// One load in both directions.
    async fn load(&mut self, world: &World, out: usize, incoming: usize) {
        // What is acted on was said in a load before.
        let outs: Vec<_> = (0..out).map(|_| self.next_out()).collect();
        let session = self.ground.session.clone();
        let (answers, ()) = tokio::join!(speak(world.api(), &session, outs), self.listen(world, incoming));
        for (out, answered) in answers {
            self.note(out, answered);
        }
    }
}

/// Calls the API, sixteen calls beside each other.
async fn speak(api: Api, session: &str, outs: Vec<Out>) -> Vec<(Out, Option<(u16, Value)>)> {
    let calls = outs.into_iter().map(|out| {
        let api = api.clone();
        async move {
            let answered = out.call(&api, session).await;
            (out, answered)
        }
    });
    futures::stream::iter(calls).buffer_unordered(16).collect().await
}

/// Only a server that nobody else uses can be restarted: whoever runs the test says how. Tells whether somebody did.
pub async fn restart_database() -> bool {
    let Ok(command) = std::env::var("WHARF_STORM_RESTART") else { return false };
    let ended = tokio::process::Command::new("sh").args(["-c", &command]).output().await.expect("a shell");
    assert!(ended.status.success(), "{command}: {ended:?}");
    true
}

/// A storm leaves a queue that may take longer than one look is given: it is waited for as long as it moves.
pub async fn until_sent(world: &World, session: &str) {
    let (mut left, mut moved) = (usize::MAX, tokio::time::Instant::now());
    loop {
        let queued = world.api().get(&format!("/v1/messages?sessionId={session}&status=queued&limit=200")).await;
        let now = queued.ok(200).as_array().unwrap().len();
        if now == 0 {
            return;
        }
        if now < left {
            (left, moved) = (now, tokio::time::Instant::now());
        }
        assert!(moved.elapsed() < PATIENCE, "nothing goes out any more: {queued:?}");
        // A short pause between two looks.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn ids(row: &Value) -> (String, String) {
    let word = |name: &str| row[name].as_str().unwrap_or_else(|| panic!("{name} of {row}")).to_owned();
    (word("messageId"), word("whatsappId"))
}

async fn storm(mut world: World, backend: Backend) {
    let (kills, out, incoming) = (setting("WHARF_STORM_KILLS", 4), setting("WHARF_STORM_OUT", 100), setting("WHARF_STORM_IN", 100));
    let mut chance = Chance::seeded();
    let hook = Hook::start().await;
    world.api().post("/v1/webhooks", &json!({"url": hook.url("/x"), "events": ["*"]})).await.ok(201);
    let session = world.pair(OWNER).await;
    let body = json!({"sessionId": session, "subject": "a group", "participants": [SILENT]});
    let group = world.api().post("/v1/groups", &body).await.ok(201)["groupId"].as_str().unwrap().to_owned();
    let mut storm = Storm { ground: Ground::of(OWNER, &session), past: Past::default(), group, calls: 0, said: 0, answered: 0 };
    // One load that nobody disturbs: the moments of what disturbs are spread over as long as it took.
    let begun = tokio::time::Instant::now();
    let rounds = kills + 1;
    storm.load(&world, share(out, 0, rounds), share(incoming, 0, rounds)).await;
    let whole = u64::try_from(begun.elapsed().as_millis()).unwrap().max(1);
    for round in 1..rounds {
        let (moment, before) = (Duration::from_millis(chance.below(whole)), Duration::from_millis(chance.below(whole)));
        let killed = nix::unistd::Pid::from_raw(i32::try_from(world.gateway().id()).unwrap());
        let disturb = async {
            // The moments are what the test is about.
            tokio::time::sleep(before.min(moment)).await;
            match (round % 3, backend) {
                (1, _) => drop(world.control().post("/control/faults", &json!({"action": "drop_socket", "phone": OWNER})).await),
                (2, Backend::Postgres) => world.chaos().make(Way::Cut),
                (0, Backend::Postgres) => world.chaos().make(Way::Slow(5)),
                _ => {}
            }
            if round % 4 == 3 && backend == Backend::Postgres {
                restart_database().await;
            }
            tokio::time::sleep(moment.saturating_sub(before.min(moment))).await;
            nix::sys::signal::kill(killed, nix::sys::signal::Signal::SIGKILL).unwrap();
            if backend == Backend::Postgres {
                world.chaos().make(Way::Open);
            }
        };
        tokio::join!(storm.load(&world, share(out, round, rounds), share(incoming, round, rounds)), disturb);
        world.gateway().ended().await;
        world.start_gateway(&ENV).await;
        world.until_connected(&session).await;
    }
    world.until_acknowledged(OWNER).await;
    until_sent(&world, &session).await;
    let faults = storm.ground.is_sound(&world, Some((&hook, "/x"))).await;
    println!("{backend:?}: {kills} kills, {} out of which {} were answered, {} in; {faults}", storm.calls, storm.answered, storm.said);
    assert!(storm.answered > rounds, "too few calls were answered: {}", storm.answered);
    world.is_healthy().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_storm_both_ways_nothing_is_lost_doubled_wrong_or_stale_on_sqlite() {
    storm(World::start_with(Backend::Sqlite, &ENV).await, Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_storm_both_ways_nothing_is_lost_doubled_wrong_or_stale_on_postgresql() {
    storm(World::start_behind_chaos().await, Backend::Postgres).await;
}
