//! Limits of accounts over all nodes: each account's calls are counted by one of them, which the others ask.
//!
//! A node asks once for all that wait, and one question of an account at a time, so a flood costs no more questions than it has answers.
//! Who counts is nobody's office: every node chooses the same one of those that are there, and one that begins to count asks all.

mod keeping;
mod letter;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use async_nats::Client;
use async_nats::connection::State;
use async_trait::async_trait;
use tokio::sync::oneshot;
use tokio::time::{Instant, MissedTickBehavior};
use wharf_api::ids::AccountId;
use wharf_core::Clock;
use wharf_core::limit::share::{Here, Share, Verdict};
use wharf_core::limit::shared::{Ask, Bounds, Grant, Shared};
use wharf_core::limit::{Calls, Permit, Refused, Standing};
use wharf_core::store::{Plan, Store};

use crate::members::{BEAT, Members};

use keeping::Page;
pub(crate) use keeping::answer;
pub(crate) use letter::subject;
use letter::{Silence, Word};

/// How long whoever counts is waited for; it may have to ask others first.
const ASK_LIMIT: Duration = Duration::from_millis(1_500);
/// How long one that did not answer is not asked again.
const SILENCE: Duration = Duration::from_secs(5);
/// How many that wait are asked for at once.
const BATCH: usize = 512;
/// So long after a call that was counted without the others it is told: whoever looks once a minute sees it.
const TOLD_FOR: Duration = Duration::from_secs(90);
/// How many keepers are tried that turn out to be gone.
const KEEPERS: usize = 3;
/// So many beats are from one look after what is not needed any more to the next, and into the database while NATS is away.
const RARELY: u32 = 5;
/// More than a fleet has.
const NODES: u32 = 200;

/// What a node has of one account.
#[derive(Default)]
struct Account {
    share: Share,
    waiting: VecDeque<Waiting>,
    /// Somebody asks for those that wait.
    asking: bool,
}

struct Waiting {
    plan: Plan,
    /// Gone where the request is.
    tell: oneshot::Sender<Verdict>,
}

/// The limits of all accounts, as this node holds them with the others.
pub(crate) struct Limits {
    node: String,
    nats: Client,
    calls: Calls,
    clock: Arc<dyn Clock>,
    store: Arc<dyn Store>,
    members: Arc<Members>,
    own: Mutex<HashMap<AccountId, Account>>,
    books: Mutex<HashMap<AccountId, Page>>,
    /// Keepers that did not answer, and until when they are not asked.
    silent: Mutex<HashMap<String, Instant>>,
    /// When calls were counted without the others last.
    counted_alone: Mutex<Option<Instant>>,
    /// How many nodes there were when that was known last, for while NATS is away.
    nodes: AtomicU64,
    this: Weak<Self>,
}

/// What it needs of its node.
pub(crate) struct Parts {
    pub(crate) node: String,
    pub(crate) nats: Client,
    pub(crate) calls: Calls,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) members: Arc<Members>,
}

impl Limits {
    pub(crate) fn new(parts: Parts) -> Arc<Self> {
        let Parts { node, nats, calls, clock, store, members } = parts;
        Arc::new_cyclic(|this| Self {
            node,
            nats,
            calls,
            clock,
            store,
            members,
            own: Mutex::default(),
            books: Mutex::default(),
            silent: Mutex::default(),
            counted_alone: Mutex::default(),
            nodes: AtomicU64::new(1),
            this: this.clone(),
        })
    }

    fn own(&self) -> MutexGuard<'_, HashMap<AccountId, Account>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn silent(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counted_alone(&self) -> MutexGuard<'_, Option<Instant>> {
        self.counted_alone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn here<'a>(&'a self, account: &'a AccountId) -> Here<'a> {
        Here { calls: &self.calls, account, clock: &*self.clock }
    }

    fn hears(&self) -> bool {
        self.nats.connection_state() == State::Connected
    }

    /// Whether it is known who is there: this node hears the others, and they hear it. One that was frozen, or is cut off without a word,
    /// would else count for all as if it were alone.
    fn is_among(&self) -> bool {
        self.hears() && self.members.standing().is_some()
    }

    /// How many nodes share the limits.
    fn count(&self) -> u64 {
        if self.is_among() { self.members.staying().len() as u64 } else { self.nodes.load(Ordering::Relaxed) }
    }

    /// Asks for those that wait, until nobody waits any more.
    async fn serve(&self, account: &AccountId) {
        while let Some(batch) = self.batch(account) {
            let Some(plan) = batch.last().map(|last| last.plan.clone()) else { return };
            let answer = self.question(account, &plan, batch.len() as u64).await;
            if answer.is_err() {
                *self.counted_alone() = Some(Instant::now());
            }
            let mut own = self.own();
            let share = &mut own.entry(account.clone()).or_default().share;
            let here = self.here(account);
            let verdicts = match answer {
                Ok((ask, grant)) => share.settle(&here, &ask, &grant),
                Err(nodes) => batch.iter().map(|waiting| share.alone(&here, &waiting.plan, nodes)).collect(),
            };
            for (waiting, verdict) in batch.into_iter().zip(verdicts) {
                // The place of who has left meanwhile is free again.
                drop(waiting.tell.send(verdict));
            }
        }
    }

    /// Some that wait; `None` where nobody does, and then nobody asks for them any more.
    fn batch(&self, account: &AccountId) -> Option<Vec<Waiting>> {
        let mut own = self.own();
        let it = own.get_mut(account)?;
        let count = it.waiting.len().min(BATCH);
        it.asking = count > 0;
        it.asking.then(|| it.waiting.drain(..count).collect())
    }

    /// What the keeper grants; where none answers, how many nodes have a part of the limits each.
    async fn question(&self, account: &AccountId, plan: &Plan, wanted: u64) -> Result<(Ask, Grant), u64> {
        for _ in 0..KEEPERS {
            let keeper = self.members.keeper(account);
            let own = keeper == self.node;
            // While NATS is away who is there is not known, and this node has its part like all others.
            if !self.is_among() || self.is_silent(&keeper) {
                break;
            }
            let ask = {
                let mut all = self.own();
                let share = &mut all.entry(account.clone()).or_default().share;
                share.ask(&self.here(account), &keeper, Bounds::from(plan), wanted)
            };
            let granted = if own {
                Ok(self.keep(&self.node, account, ask.clone()).await)
            } else {
                self.write(&keeper, account, Word::Ask(ask.clone()), ASK_LIMIT).await
            };
            match granted {
                Ok(grant) => return Ok((ask, grant)),
                Err(silence) => {
                    self.own().entry(account.clone()).or_default().share.unanswered(&self.here(account), ask);
                    if matches!(silence, Silence::Late) {
                        self.silent().insert(keeper, Instant::now() + SILENCE);
                        break;
                    }
                    self.members.forget(&keeper);
                }
            }
        }
        Err(self.count())
    }

    fn is_silent(&self, keeper: &str) -> bool {
        self.silent().get(keeper).is_some_and(|until| *until > Instant::now())
    }

    /// Forgets what nobody needs.
    fn tidy(&self) {
        self.own().retain(|account, it| it.asking || !it.waiting.is_empty() || !it.share.is_over(&self.here(account)));
        self.close();
        self.silent().retain(|_, until| *until > Instant::now());
    }

    /// Learns from the database how many nodes there are.
    async fn look(&self) {
        if let Ok(nodes) = self.store.list_nodes(self.clock.now(), 0, NODES).await {
            let working = nodes.iter().filter(|node| node.leased && node.told.as_ref().is_none_or(|told| !told.draining));
            self.nodes.store(working.count() as u64, Ordering::Relaxed);
        }
    }
}

#[async_trait]
impl Shared for Limits {
    async fn admit(&self, account: &AccountId, plan: &Plan) -> (Standing, Result<Permit, Refused>) {
        let heard = {
            let mut all = self.own();
            let own = all.entry(account.clone()).or_default();
            if let Some(verdict) = own.share.spend(&self.here(account), Bounds::from(plan)) {
                return verdict;
            }
            let (tell, heard) = oneshot::channel();
            own.waiting.push_back(Waiting { plan: plan.clone(), tell });
            if !own.asking
                && let Some(this) = self.this.upgrade()
            {
                own.asking = true;
                let account = account.clone();
                tokio::spawn(async move { this.serve(&account).await });
            }
            heard
        };
        match heard.await {
            Ok(verdict) => verdict,
            // The program ends.
            Err(_) => self.own().entry(account.clone()).or_default().share.alone(&self.here(account), plan, 1),
        }
    }

    fn parts(&self) -> u64 {
        if self.hears() { 1 } else { self.nodes.load(Ordering::Relaxed).max(1) }
    }

    fn alone(&self) -> bool {
        !self.hears() || self.counted_alone().is_some_and(|at| at.elapsed() < TOLD_FOR)
    }
}

/// Looks after what is not needed any more, and how many nodes there are.
pub(crate) async fn look_after(limits: Arc<Limits>) {
    let mut beats = tokio::time::interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut beat, mut away) = (0_u32, 0_u32);
    loop {
        beats.tick().await;
        beat = beat.wrapping_add(1);
        if beat.is_multiple_of(RARELY) {
            limits.tidy();
        }
        if limits.is_among() {
            away = 0;
            limits.nodes.store(limits.members.staying().len() as u64, Ordering::Relaxed);
            continue;
        }
        if away.is_multiple_of(RARELY) {
            limits.look().await;
        }
        away = away.wrapping_add(1);
    }
}
