//! Which versions of the client the network lets in, and the pages on which it tells the newest one.
//!
//! The floor stands by default at what a current client claims, so that an old number never looks healthy. Owns what is counted
//! of claims, refusals and questions; nothing of it is kept over a restart.

pub(crate) mod page;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use waproto::whatsapp::ClientPayload;

/// The number that a current client claims: 2.3000.n, as of August 2026.
pub(crate) const CURRENT: u32 = 1_045_649_367;

/// How a page is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Fault {
    #[serde(rename = "403")]
    Forbidden,
    #[serde(rename = "500")]
    Broken,
    /// Nothing comes for half a minute.
    #[serde(rename = "slow")]
    Slow,
    /// The connection ends in the middle.
    #[serde(rename = "cut")]
    Cut,
    #[serde(rename = "no number")]
    NoNumber,
    #[serde(rename = "0")]
    Zero,
    /// A number of years ago.
    #[serde(rename = "lower")]
    Lower,
    /// A number that cannot be for many years.
    #[serde(rename = "absurd")]
    Absurd,
    /// To another host.
    #[serde(rename = "redirect")]
    Redirect,
}

/// The pages that tell the newest version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    Worker,
    Front,
}

/// What `PUT /control/version` changes. What is absent stays.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Change {
    pub(crate) floor: Option<u32>,
    pub(crate) served: Option<u32>,
    /// Seconds from a login to the end that it is told; 0 tells none.
    pub(crate) expires_in: Option<u32>,
    /// Cuts every connection, after the rest has changed.
    pub(crate) kick: bool,
    /// Of both pages; an empty text mends them.
    pub(crate) fault: Option<Wish>,
    pub(crate) worker_fault: Option<Wish>,
    pub(crate) front_fault: Option<Wish>,
}

/// A fault, or none.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
pub(crate) enum Wish {
    Fault(Fault),
    None(Empty),
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) enum Empty {
    #[serde(rename = "")]
    Empty,
}

impl From<Wish> for Option<Fault> {
    fn from(wish: Wish) -> Self {
        match wish {
            Wish::Fault(fault) => Some(fault),
            Wish::None(Empty::Empty) => None,
        }
    }
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VersionState {
    floor: u32,
    served: u32,
    expires_in: Option<u32>,
    worker_fault: Option<Fault>,
    front_fault: Option<Fault>,
    /// Questions for `sw.js`, for the front page, those without the headers of a browser, and those that followed a redirect.
    asked: VersionsAsked,
    refused: RefusedCounts,
    /// How often each number was claimed.
    claims: BTreeMap<u32, u64>,
}

#[derive(Debug, Clone, Default, Serialize)]
struct VersionsAsked {
    worker: u64,
    front: u64,
    bare: u64,
    elsewhere: u64,
}

#[derive(Debug, Clone, Default, Serialize)]
struct RefusedCounts {
    registrations: u64,
    logins: u64,
}

impl Default for VersionState {
    fn default() -> Self {
        Self {
            floor: CURRENT,
            served: CURRENT,
            expires_in: None,
            worker_fault: None,
            front_fault: None,
            asked: VersionsAsked::default(),
            refused: RefusedCounts::default(),
            claims: BTreeMap::new(),
        }
    }
}

/// The network's word on versions, and the string that all connections hang on.
pub(crate) struct Versions {
    state: Mutex<VersionState>,
    hung_on: Mutex<CancellationToken>,
    stop: CancellationToken,
}

impl Versions {
    pub(crate) fn new(stop: &CancellationToken) -> Self {
        Self { state: Mutex::default(), hung_on: Mutex::new(stop.child_token()), stop: stop.clone() }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, VersionState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn report(&self) -> VersionState {
        self.state().clone()
    }

    pub(crate) fn change(&self, change: &Change) -> VersionState {
        let mut state = self.state();
        state.floor = change.floor.unwrap_or(state.floor);
        state.served = change.served.unwrap_or(state.served);
        if let Some(seconds) = change.expires_in {
            state.expires_in = Some(seconds).filter(|seconds| *seconds > 0);
        }
        if let Some(wish) = change.worker_fault.or(change.fault) {
            state.worker_fault = wish.into();
        }
        if let Some(wish) = change.front_fault.or(change.fault) {
            state.front_fault = wish.into();
        }
        let report = state.clone();
        drop(state);
        if change.kick {
            self.kick();
        }
        report
    }

    fn kick(&self) {
        let mut hung_on = self.hung_on.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *hung_on, self.stop.child_token()).cancel();
    }

    /// What ends a connection that begins now.
    pub(crate) fn string(&self) -> CancellationToken {
        self.hung_on.lock().unwrap_or_else(PoisonError::into_inner).child_token()
    }

    /// Whether a client may come in with the version that it claims; counts it.
    pub(crate) fn admits(&self, payload: &ClientPayload) -> bool {
        let version = payload.user_agent.as_option().and_then(|agent| agent.app_version.as_option());
        let part =
            |pick: fn(&waproto::whatsapp::client_payload::user_agent::AppVersion) -> Option<u32>| version.and_then(pick).unwrap_or(0);
        let claimed = (part(|version| version.primary), part(|version| version.secondary), part(|version| version.tertiary));
        let mut state = self.state();
        *state.claims.entry(claimed.2).or_default() += 1;
        let admitted = claimed >= (2, 3000, state.floor);
        if !admitted {
            let refused = &mut state.refused;
            *(if payload.device_pairing_data.is_set() { &mut refused.registrations } else { &mut refused.logins }) += 1;
        }
        admitted
    }

    /// Seconds from now until the network takes the claimed version no more, where it says so.
    pub(crate) fn expires_in(&self) -> Option<u32> {
        self.state().expires_in
    }

    /// Somebody followed a redirect.
    pub(crate) fn went_elsewhere(&self) {
        self.state().asked.elsewhere += 1;
    }

    /// Counts a question; tells the number to answer with, or how to go wrong.
    fn asked(&self, page: Page, as_a_browser: bool) -> Option<(u32, Option<Fault>)> {
        let mut guard = self.state();
        let state = &mut *guard;
        if !as_a_browser {
            state.asked.bare += 1;
            return None;
        }
        let (count, fault) = match page {
            Page::Worker => (&mut state.asked.worker, state.worker_fault),
            Page::Front => (&mut state.asked.front, state.front_fault),
        };
        *count += 1;
        Some((state.served, fault))
    }
}
