//! What one node has of an account's limits: what it was given ahead, and what its keeper does not know yet.

use wharf_api::Timestamp;
use wharf_api::ids::AccountId;

use super::shared::{Ask, Bounds, Grant, Lack, Report};
use super::{Calls, Permit, Refused, Standing, WINDOW_MS, whole_seconds};
use crate::clock::Clock;
use crate::store::Plan;

/// How long what was given ahead is good, in milliseconds.
const LEASE_MS: i64 = 1_000;
/// Of so many calls that the keeper does not know those are forgotten that count no more.
const STRAYS: usize = 4_096;
/// How long one who is beyond all that were told a time waits.
const WAIT_MS: u64 = 1_000;

/// What is decided of one call.
pub type Verdict = (Standing, Result<Permit, Refused>);

/// The account in this process.
pub struct Here<'a> {
    pub calls: &'a Calls,
    pub account: &'a AccountId,
    pub clock: &'a dyn Clock,
}

impl Here<'_> {
    fn running(&self) -> u64 {
        self.calls.running(self.account)
    }

    fn past(&self, since: Option<Timestamp>) -> Vec<(u64, u64)> {
        self.calls.past(self.account, since, self.clock.steady())
    }

    fn enter(&self, limit: u64, remaining: u64) -> Verdict {
        let reset_at = self.clock.now().plus_millis(WINDOW_MS + 1);
        (Standing { limit, remaining, reset_at }, Ok(self.calls.enter(self.account, self.clock.steady())))
    }
}

/// What was given ahead.
struct ShareLease {
    bounds: Bounds,
    ahead: u64,
    places: u64,
    remaining: u64,
    until: Timestamp,
}

/// One node's part. The requests that run and the calls of the last minute are in [`Calls`].
#[derive(Default)]
pub struct Share {
    lease: Option<ShareLease>,
    /// So many are asked for now.
    pending: u64,
    /// The keeper has asked meanwhile what runs here, and gives away what it has not counted then.
    called_in: bool,
    /// Whom the last question went to.
    keeper: Option<String>,
    /// Who knows of all calls up to which time.
    told: Option<(String, Timestamp)>,
    /// Calls of which the keeper does not know.
    untold: Vec<(Timestamp, u64)>,
}

impl Share {
    /// Lets a call in by what was given ahead.
    pub fn spend(&mut self, here: &Here<'_>, bounds: Bounds) -> Option<Verdict> {
        let lease = self.lease.as_mut()?;
        let good = lease.bounds == bounds && lease.ahead > 0 && here.clock.steady() < lease.until && here.running() < lease.places;
        if !good {
            return None;
        }
        lease.ahead -= 1;
        lease.remaining = lease.remaining.saturating_sub(1);
        Some(here.enter(bounds.calls, lease.remaining))
    }

    /// The question for so many requests that wait. Until it is answered by [`Share::settle`] or [`Share::unanswered`] there is no other.
    pub fn ask(&mut self, here: &Here<'_>, keeper: &str, bounds: Bounds, wanted: u64) -> Ask {
        let now = here.clock.steady();
        let mut whole = false;
        let calls = if self.keeper.as_deref() == Some(keeper) {
            ages(std::mem::take(&mut self.untold), now)
        } else {
            let since = self.told.take().filter(|(to, _)| to == keeper).map(|(_, at)| at);
            self.told = self.keeper.replace(keeper.to_owned()).map(|former| (former, now));
            self.untold.clear();
            whole = since.is_none();
            here.past(since)
        };
        (self.pending, self.called_in) = (wanted, false);
        let unused = self.lease.take().map_or(0, |lease| lease.ahead);
        Ask { bounds, wanted, report: Report { running: here.running(), pending: 0, unused, calls }, whole }
    }

    /// What the answer means for each that waits, in their order.
    pub fn settle(&mut self, here: &Here<'_>, ask: &Ask, grant: &Grant) -> Vec<Verdict> {
        self.pending = 0;
        let (bounds, granted) = (ask.bounds, grant.granted.min(ask.wanted));
        let entered = (0..granted).rev().map(|later| here.enter(bounds.calls, grant.remaining + later));
        let mut verdicts: Vec<Verdict> = entered.collect();
        for place in 0..ask.wanted - granted {
            verdicts.push(refused(here, bounds, grant, place));
        }
        let until = here.clock.steady().plus_millis(LEASE_MS);
        let Grant { ahead, remaining, .. } = *grant;
        let places = if self.called_in { ask.report.running + granted } else { grant.places };
        self.lease = (ahead > 0).then_some(ShareLease { bounds, ahead, places, remaining, until });
        verdicts
    }

    /// Nobody has answered: what was told may not have been heard.
    pub fn unanswered(&mut self, here: &Here<'_>, ask: Ask) {
        self.pending = 0;
        if ask.whole {
            self.keeper = None;
            return;
        }
        let now = here.clock.steady();
        for (age, calls) in ask.report.calls {
            self.untold.push((now.plus_millis(-i64::try_from(age).unwrap_or(WINDOW_MS)), calls));
        }
    }

    /// Lets a call in, or not, by this node's part of the limits where so many share them: its own calls are all that it knows.
    pub fn alone(&mut self, here: &Here<'_>, plan: &Plan, nodes: u64) -> Verdict {
        let nodes = nodes.max(1);
        let (calls_per_minute, concurrent_requests) = (plan.calls_per_minute.div_ceil(nodes), plan.concurrent_requests.div_ceil(nodes));
        let part = Plan { calls_per_minute, concurrent_requests, ..plan.clone() };
        let (standing, admitted) = here.calls.admit(here.account, &part, here.clock);
        if admitted.is_ok() {
            self.stray(here.clock.steady());
        }
        let admitted = admitted.map_err(|refused| match refused {
            Refused::Concurrency { .. } => Refused::Concurrency { limit: plan.concurrent_requests },
            rate @ Refused::Rate { .. } => rate,
        });
        (Standing { limit: plan.calls_per_minute, ..standing }, admitted)
    }

    /// What this node has, for a keeper that misses something. One that begins the account's book is told all calls.
    pub fn report(&mut self, here: &Here<'_>, begins: Option<&str>) -> Report {
        let unused = self.lease.take().map_or(0, |lease| lease.ahead);
        self.called_in = self.pending > 0;
        let mut calls = Vec::new();
        if let Some(keeper) = begins {
            calls = here.past(None);
            if self.keeper.as_deref() == Some(keeper) {
                self.untold.clear();
            } else {
                self.told = Some((keeper.to_owned(), here.clock.steady()));
            }
        }
        Report { running: here.running(), pending: self.pending, unused, calls }
    }

    /// Nothing is lost by forgetting it.
    pub fn is_over(&self, here: &Here<'_>) -> bool {
        self.pending == 0 && here.running() == 0 && here.past(None).is_empty()
    }

    /// Keeps in mind a call of which the keeper does not know.
    fn stray(&mut self, now: Timestamp) {
        match self.untold.last_mut() {
            Some((at, calls)) if *at == now => *calls += 1,
            _ => self.untold.push((now, 1)),
        }
        if self.untold.len() > STRAYS {
            let before = now.plus_millis(-WINDOW_MS);
            self.untold.retain(|(at, _)| *at >= before);
        }
    }
}

fn refused(here: &Here<'_>, bounds: Bounds, grant: &Grant, place: u64) -> Verdict {
    let limit = bounds.calls;
    let after = |millis: u64| here.clock.now().plus_millis(i64::try_from(millis).unwrap_or(WINDOW_MS));
    let Some(Lack::Rate { waits }) = &grant.lack else {
        let standing = Standing { limit, remaining: grant.remaining, reset_at: after(grant.whole_in) };
        return (standing, Err(Refused::Concurrency { limit: bounds.concurrent }));
    };
    let place = usize::try_from(place).unwrap_or(usize::MAX);
    let wait = waits.get(place).or(waits.last()).copied().unwrap_or(WAIT_MS);
    let retry_after = whole_seconds(i64::try_from(wait).unwrap_or(WINDOW_MS));
    (Standing { limit, remaining: 0, reset_at: after(wait) }, Err(Refused::Rate { retry_after }))
}

fn ages(calls: Vec<(Timestamp, u64)>, now: Timestamp) -> Vec<(u64, u64)> {
    calls.into_iter().map(|(at, calls)| (u64::try_from(now.as_millis() - at.as_millis()).unwrap_or(0), calls)).collect()
}
