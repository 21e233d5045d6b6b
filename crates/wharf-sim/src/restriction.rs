//! What the network refuses to whoever writes to people that do not know them: accounts under a reach-out lock, people who take nothing
//! without a token, and the tokens themselves.

mod told;

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use wacore::iq::tctoken::compute_cs_token;
use wacore_binary::NodeRef;

use crate::account::lock;
use crate::address::Number;
use crate::wire;

pub(crate) use told::{mex, refusal};

/// A reach-out lock: until then, by the seconds of the epoch, where the network says so.
#[derive(Clone, Copy)]
struct Lock {
    ends: Option<u64>,
}

#[derive(Default)]
struct Restricted {
    locked: HashMap<Number, Lock>,
    /// People who take nothing without a token.
    guarded: HashSet<Number>,
    /// How often each account asked for its lock, and how often it was refused for being unknown.
    asked: HashMap<Number, u64>,
    refused: HashMap<Number, u64>,
}

#[derive(Default)]
pub(crate) struct Restrictions(Mutex<Restricted>);

impl Restrictions {
    pub(crate) fn guard(&self, number: Number, guarded: bool) {
        let mut known = lock(&self.0);
        if guarded {
            known.guarded.insert(number)
        } else {
            known.guarded.remove(&number)
        };
    }

    /// What a tester sees of an account.
    pub(crate) fn show(&self, number: Number) -> Value {
        let known = lock(&self.0);
        let count = |counts: &HashMap<Number, u64>| counts.get(&number).copied().unwrap_or(0);
        json!({
            "locked": known.locked.contains_key(&number),
            "endsAt": known.locked.get(&number).and_then(|lock| lock.ends),
            "guarded": known.guarded.contains(&number),
            "asked": count(&known.asked),
            "refused": count(&known.refused),
        })
    }

    /// The answer to a device's question about the lock.
    fn answer(&self, number: Number) -> Value {
        let mut known = lock(&self.0);
        *known.asked.entry(number).or_default() += 1;
        json!({"data": {"xwa2_fetch_account_reachout_timelock": state(known.locked.get(&number).copied())}})
    }
}

fn state(lock: Option<Lock>) -> Value {
    match lock {
        None => json!({"is_active": false}),
        Some(Lock { ends: None }) => json!({"is_active": true, "enforcement_type": "RESTRICT_ALL_COMPANIONS"}),
        Some(Lock { ends: Some(ends) }) => {
            json!({"is_active": true, "enforcement_type": "RESTRICT_ALL_COMPANIONS", "time_enforcement_ends": ends.to_string()})
        }
    }
}

/// What somebody has given the account, so that it may write.
pub(crate) fn token(account: Number, from: Number) -> Vec<u8> {
    Sha256::digest(format!("token {from} {account}"))[..16].to_vec()
}

/// What an account makes its own tokens with.
pub(crate) fn salt(account: Number) -> Vec<u8> {
    Sha256::digest(format!("salt {account}")).to_vec()
}

fn has_token(account: Number, to: Number, message: &NodeRef<'_>) -> bool {
    let is = |tag: &str, wanted: &[u8]| wire::child_bytes(message, tag).is_some_and(|token| token == wanted);
    is("tctoken", &token(account, to)) || is("cstoken", &compute_cs_token(&salt(account), &to.lid().to_string()))
}
