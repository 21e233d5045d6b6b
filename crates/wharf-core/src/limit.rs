//! Limits on requests: calls per minute and requests at a time of one account, failed keys of one address.
//!
//! Counts live in memory, by a time that nobody sets: in this process, or where several nodes share them in one node for each account
//! ([`shared`]). The plan's limits come in with every question, so a changed plan bites at once.

pub mod book;
mod floods;
pub mod share;
pub mod shared;
mod tries;
mod window;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use wharf_api::ids::AccountId;
use wharf_api::{ApiError, ErrorCode, Timestamp};

pub use floods::Floods;
pub(crate) use floods::source;
pub use tries::{CountedTry, Tries};
pub use window::WINDOW_MS;
use window::{Vacancy, Window};

use crate::clock::Clock;
use crate::store::Plan;

/// How an account stands after one of its calls was counted or refused: what the headers of the answer say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub limit: u64,
    pub remaining: u64,
    /// When the window is whole again; after a refusal, when a place is free.
    pub reset_at: Timestamp,
}

/// Why a call was not let in. It was not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Too many calls; the next one is let in after so many seconds.
    Rate { retry_after: u64 },
    /// Too many requests at a time.
    Concurrency { limit: u64 },
}

impl Refused {
    pub fn error(self, standing: &Standing) -> ApiError {
        match self {
            Self::Rate { retry_after } => {
                ApiError::new(ErrorCode::RateLimitExceeded).limit(standing.limit, standing.limit + 1).retry_after(retry_after)
            }
            Self::Concurrency { limit } => ApiError::new(ErrorCode::ConcurrentRequestLimitExceeded).limit(limit, limit + 1).retry_after(1),
        }
    }
}

#[derive(Default)]
struct AccountCalls {
    window: Window,
    /// Each request that runs has it too.
    place: Arc<()>,
}

impl AccountCalls {
    /// How many requests run.
    fn running(&self) -> u64 {
        Arc::strong_count(&self.place) as u64 - 1
    }

    fn permit(&self) -> Permit {
        Permit { _place: Arc::clone(&self.place) }
    }
}

/// The calls of all accounts.
#[derive(Clone, Default)]
pub struct Calls {
    accounts: Arc<Mutex<HashMap<AccountId, AccountCalls>>>,
}

/// A call that was let in. Its place among the requests that run is free again when this is dropped.
pub struct Permit {
    _place: Arc<()>,
}

impl Calls {
    /// Lets a call of the account in and counts it, or refuses it and does not.
    pub fn admit(&self, account: &AccountId, plan: &Plan, clock: &dyn Clock) -> (Standing, Result<Permit, Refused>) {
        let mut accounts = self.lock();
        // Inside the lock, so that the log of a window is in order.
        let (now, shown) = (clock.steady(), clock.now());
        let as_shown = |at: Timestamp| shown.plus_millis(at.as_millis() - now.as_millis());
        let state = match accounts.get_mut(account) {
            Some(state) => state,
            None => accounts.entry(account.clone()).or_default(),
        };
        let limit = plan.calls_per_minute;
        let verdict = state.window.ask(limit, now);
        let mut standing = Standing { limit, remaining: state.window.remaining(limit), reset_at: as_shown(state.window.whole_at(now)) };
        if let Vacancy::FreeAt(at) = verdict {
            let wait = at.as_millis() - now.as_millis();
            standing.reset_at = as_shown(at);
            return (standing, Err(Refused::Rate { retry_after: whole_seconds(wait) }));
        }
        if state.running() >= plan.concurrent_requests {
            return (standing, Err(Refused::Concurrency { limit: plan.concurrent_requests }));
        }
        state.window.take(now);
        standing.remaining = state.window.remaining(limit);
        standing.reset_at = as_shown(state.window.whole_at(now));
        (standing, Ok(state.permit()))
    }

    /// Lets a call in that somebody else has decided on, and counts it.
    fn enter(&self, account: &AccountId, now: Timestamp) -> Permit {
        let mut accounts = self.lock();
        let state = accounts.entry(account.clone()).or_default();
        state.window.add(now, 1);
        state.permit()
    }

    /// How many requests of the account run in this process.
    fn running(&self, account: &AccountId) -> u64 {
        self.lock().get(account).map_or(0, AccountCalls::running)
    }

    /// The calls that this process has let in and that still count.
    fn past(&self, account: &AccountId, since: Option<Timestamp>, now: Timestamp) -> Vec<(u64, u64)> {
        self.lock().get_mut(account).map_or_else(Vec::new, |state| state.window.past(since, now))
    }

    /// Forgets accounts that did not call for a while.
    pub fn tidy(&self, now: Timestamp) {
        self.lock().retain(|_, account| account.running() > 0 || !account.window.is_whole(now));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<AccountId, AccountCalls>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Milliseconds as seconds that are not too short; 1 at the least.
fn whole_seconds(millis: i64) -> u64 {
    u64::try_from(millis).unwrap_or(0).div_ceil(1000).max(1)
}

#[cfg(test)]
mod tests;
