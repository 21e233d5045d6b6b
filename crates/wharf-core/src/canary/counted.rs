//! What a node counted of its canary sessions.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wharf_api::ids::SessionId;
use wharf_api::types::canary::Step;

/// The two sessions, and what this node counted of them.
#[derive(Debug, Default)]
pub struct Canary {
    /// Nobody writes where there are none.
    pub sessions: Option<[SessionId; 2]>,
    counted: Mutex<HashMap<Step, Counted>>,
}

/// What happened to one step on this node.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counted {
    /// How long the last run took that went well.
    pub took: Option<Duration>,
    pub failures: u64,
}

impl Canary {
    fn lock(&self) -> MutexGuard<'_, HashMap<Step, Counted>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was counted of every step.
    pub fn counted(&self) -> Vec<(Step, Counted)> {
        let counted = self.lock();
        Step::ALL.iter().map(|step| (*step, counted.get(step).copied().unwrap_or_default())).collect()
    }

    pub(super) fn note(&self, step: Step, took: Option<Duration>) {
        let mut counted = self.lock();
        let counted = counted.entry(step).or_default();
        match took {
            Some(took) => counted.took = Some(took),
            None => counted.failures += 1,
        }
    }
}
