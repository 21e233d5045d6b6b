//! Limits that several nodes hold together: what they say of an account to the one that keeps its book, and the port that asks it.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use wharf_api::ids::AccountId;

use super::{Permit, Refused, Standing};
use crate::store::Plan;

/// The way to who counts.
#[async_trait]
pub trait Shared: Send + Sync + 'static {
    /// Lets a call of the account in and counts it, or refuses it and does not. Where nobody answers who counts, this node holds its part
    /// of the limits by itself.
    async fn admit(&self, account: &AccountId, plan: &Plan) -> (Standing, Result<Permit, Refused>);

    /// Among how many nodes a limit is divided now, because each knows of what comes to itself only; 1 while they hear each other.
    fn parts(&self) -> u64;

    /// Whether this node holds limits without the others, or did a moment ago: nobody answered who counts.
    fn alone(&self) -> bool;
}

/// What a plan bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// In a minute.
    pub calls: u64,
    /// At a time.
    pub concurrent: u64,
}

impl From<&Plan> for Bounds {
    fn from(plan: &Plan) -> Self {
        Self { calls: plan.calls_per_minute, concurrent: plan.concurrent_requests }
    }
}

/// What a node has of an account at this moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Requests that run.
    pub running: u64,
    /// Requests that a question on its way asks for. Whatever that brings is not in this report.
    pub pending: u64,
    /// Calls that it was given ahead and has not made: they are given back by this.
    pub unused: u64,
    /// Calls that the keeper does not know yet: how many milliseconds ago, and how many.
    pub calls: Vec<(u64, u64)>,
}

/// A node asks for so many requests that wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    pub bounds: Bounds,
    pub wanted: u64,
    pub report: Report,
    /// The calls of the report are all of the last minute, for the node has not asked this keeper before.
    pub whole: bool,
}

/// What the keeper gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// So many of those that wait go in.
    pub granted: u64,
    /// Why the others do not.
    pub lack: Option<Lack>,
    /// So many more may go in within a moment without being asked for.
    pub ahead: u64,
    /// How many requests may run on the node until then.
    pub places: u64,
    /// What is left of the minute's calls, what is given ahead to this node included.
    pub remaining: u64,
    /// When none of the calls counts any more, in milliseconds from now on.
    pub whole_in: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lack {
    /// The minute is full: when each may come back, in milliseconds from now on; the last of it is for whoever is beyond it.
    Rate { waits: Vec<u64> },
    /// Too many run at a time.
    Places,
}

/// The node that keeps the account's book. Nodes that see the same others choose the same one, also when they are of different releases; where
/// one comes or goes only the accounts move that it keeps.
pub fn keeper<'n>(account: &AccountId, nodes: &'n [String]) -> Option<&'n str> {
    let weight = |node: &&String| Sha256::digest([account.as_str(), "/", node.as_str()].concat()).to_vec();
    nodes.iter().max_by_key(weight).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use wharf_api::ids::Uuid;

    use super::*;

    fn nodes(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn nodes_share_the_accounts_and_where_one_goes_only_its_own_move() {
        let (all, fewer) = (nodes(&["a", "b", "c"]), nodes(&["c", "a"]));
        let mut kept = std::collections::HashMap::new();
        for number in 0..300 {
            let account = AccountId::from_uuid(Uuid::from_u128(number));
            let (before, after) = (keeper(&account, &all).unwrap(), keeper(&account, &fewer).unwrap());
            assert!(before == "b" || before == after, "{account} moved from {before} to {after}");
            *kept.entry(before).or_insert(0) += 1;
        }
        assert!(kept.len() == 3 && kept.values().all(|accounts| *accounts > 50), "{kept:?}");
        assert_eq!(keeper(&AccountId::from_uuid(Uuid::from_u128(1)), &[]), None);
    }
}
