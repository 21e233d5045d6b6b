//! Faults by chance, one after the other, in a fleet of three that talks both ways: at the end nothing is lost, shown twice or missing at
//! the receiver, every promise is kept, and no node wrote for a session that was not its own.
//!
//! The everyday run is small. The full one, which prints its figures and takes about half an hour:
//! `WHARF_CHAOS_CYCLES=100 WHARF_CHAOS_OUT=20000 WHARF_CHAOS_IN=20000 cargo xtask test --quick -- -p wharf-sandbox fleet_cycles -- --nocapture`
//! `WHARF_STORM_RESTART` may name a command that restarts the PostgreSQL server, `WHARF_TEST_SEED` the run to be repeated.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use nix::sys::signal::Signal;
use serde_json::json;

use crate::fleet::until;
use crate::fleet_faults::restart_postgresql;
use crate::fleet_places::ends;
use crate::harness::chance::Chance;
use crate::harness::chaos::Way;
use crate::harness::split::Split;
use crate::harness::talk::{Talk, figures};
use crate::harness::{Api, Hook, OWNER};
use crate::storm::{setting, share, until_sent};

const OWNERS: [&str; 3] = [OWNER, "15550000002", "15550000003"];
/// A receiver that was not reached for a moment gets it soon.
const ENV: [(&str, &str); 1] = [("WHARF_WEBHOOK_RETRY_PAUSES_SECS", "0.2,0.2,0.5,0.5,1,1,1,1,1,1")];
/// Longer than a lease, so that somebody else takes the sessions.
const LONG: Duration = Duration::from_secs(20);
/// Each so many cycles a fault lasts so long; the others are over before.
const LONG_EACH: usize = 4;

/// What happens. Those with a number happen to that node.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Killed(usize),
    Ended(usize),
    Frozen(usize),
    NoDatabase(usize),
    SlowDatabase(usize),
    NoNats(usize),
    Alone(usize),
    NatsGone,
    PostgresqlRestarted,
}

impl Fault {
    /// The first node is asked at the end, so it is neither killed nor frozen.
    fn by(chance: &mut Chance) -> Self {
        let any = |chance: &mut Chance| usize::try_from(chance.below(3)).unwrap();
        let other = |chance: &mut Chance| 1 + usize::try_from(chance.below(2)).unwrap();
        match chance.below(9) {
            0 => Self::Killed(other(chance)),
            1 => Self::Ended(other(chance)),
            2 => Self::Frozen(other(chance)),
            3 => Self::NoDatabase(any(chance)),
            4 => Self::SlowDatabase(any(chance)),
            5 => Self::NoNats(any(chance)),
            6 => Self::Alone(any(chance)),
            7 => Self::NatsGone,
            _ => Self::PostgresqlRestarted,
        }
    }

    /// Its name in the figures.
    fn name(self) -> &'static str {
        match self {
            Self::Killed(_) => "a node killed",
            Self::Ended(_) => "a node ended",
            Self::Frozen(_) => "a node frozen",
            Self::NoDatabase(_) => "a node without PostgreSQL",
            Self::SlowDatabase(_) => "a node with a slow PostgreSQL",
            Self::NoNats(_) => "a node without NATS",
            Self::Alone(_) => "a node without both",
            Self::NatsGone => "NATS gone",
            Self::PostgresqlRestarted => "PostgreSQL restarted",
        }
    }

    async fn begin(self, split: &Split) {
        match self {
            Self::Killed(node) => split.signal(node, Signal::SIGKILL),
            Self::Ended(node) => split.signal(node, Signal::SIGTERM),
            Self::Frozen(node) => split.signal(node, Signal::SIGSTOP),
            Self::NoDatabase(node) => split.database(node).make(Way::Silent),
            Self::SlowDatabase(node) => split.database(node).make(Way::Slow(20)),
            Self::NoNats(node) => split.bus(node).make(Way::Silent),
            Self::Alone(node) => {
                split.database(node).make(Way::Silent);
                split.bus(node).make(Way::Silent);
            }
            Self::NatsGone => {
                for node in 0..OWNERS.len() {
                    split.bus(node).make(Way::Cut);
                }
            }
            Self::PostgresqlRestarted => restart_postgresql(split).await,
        }
    }

    async fn end(self, split: &mut Split) {
        split.heal();
        match self {
            Self::Killed(node) | Self::Ended(node) => split.start_again(node).await,
            Self::Frozen(node) => split.signal(node, Signal::SIGCONT),
            _ => {}
        }
    }
}

/// All sessions talk at the same time, at those nodes.
async fn talk_all(split: &Split, nodes: &[Api], talks: &mut [Talk], name: &str, out: usize, incoming: usize) {
    let (world, parts) = (split.world(), talks.len());
    let loads = talks.iter_mut().enumerate().map(|(part, talk)| async move {
        talk.load(world, nodes, &format!("{name}-{part}"), share(out, part, parts), share(incoming, part, parts)).await;
    });
    join_all(loads).await;
}

/// Faults one after the other, a `long` one each so often; prints what was seen.
async fn cycles(count: usize, out: usize, incoming: usize, long: bool) {
    let mut chance = Chance::seeded();
    let mut split = Split::start_with(&ENV).await;
    let hook = Hook::start().await;
    split.world().api().post("/v1/webhooks", &json!({"url": hook.url("/x"), "events": ["*"]})).await.ok(201);
    let (mut sessions, mut talks) = (Vec::new(), Vec::new());
    for (node, owner) in OWNERS.iter().enumerate() {
        let session = split.pair_at(node, owner).await;
        talks.push(Talk::of(owner, &session));
        sessions.push(session);
    }
    let (rounds, mut seen) = (count + 1, BTreeMap::<&str, usize>::new());
    // One load that nobody disturbs: the moments of the faults are spread over as long as it took.
    let begun = tokio::time::Instant::now();
    talk_all(&split, &split.nodes(), &mut talks, "undisturbed", share(out, 0, rounds), share(incoming, 0, rounds)).await;
    let whole = u64::try_from(begun.elapsed().as_millis()).unwrap().max(1);
    for round in 1..rounds {
        let (fault, moment) = (Fault::by(&mut chance), Duration::from_millis(chance.below(whole)));
        let lasts = if long && round.is_multiple_of(LONG_EACH) { LONG } else { Duration::from_millis(chance.below(4_000)) };
        println!("cycle {round}: {fault:?} for {lasts:?}");
        *seen.entry(fault.name()).or_default() += 1;
        let disturb = async {
            // The moments are what the test is about.
            tokio::time::sleep(moment).await;
            fault.begin(&split).await;
            tokio::time::sleep(lasts).await;
        };
        let (nodes, name) = (split.nodes(), format!("round-{round}"));
        let load = talk_all(&split, &nodes, &mut talks, &name, share(out, round, rounds), share(incoming, round, rounds));
        tokio::join!(load, disturb);
        fault.end(&mut split).await;
        split.until_whole().await;
        let first = split.world().api();
        for session in &sessions {
            until(&first, session, "connected").await;
        }
    }
    for (owner, session) in OWNERS.iter().zip(&sessions) {
        split.world().until_acknowledged(owner).await;
        until_sent(split.world(), session).await;
    }
    for talk in &talks {
        talk.ground.is_sound(split.world(), Some((&hook, "/x"))).await;
    }
    assert_eq!(ends(&split.world().api(), &sessions).await, 0, "nobody fought for a session");
    let fenced = split.is_fenced().await;
    println!("{}", figures(&format!("{count} cycles {seen:?}"), &talks, fenced, begun));
    split.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_by_chance_cost_no_message_no_event_and_no_key() {
    let count = setting("WHARF_CHAOS_CYCLES", 3);
    cycles(count, setting("WHARF_CHAOS_OUT", 120), setting("WHARF_CHAOS_IN", 120), count > LONG_EACH).await;
}
