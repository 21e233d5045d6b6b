//! What the network refuses to whoever writes to people that do not know them: accounts under a reach-out lock, people who take nothing
//! without a token, and the tokens themselves.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use wacore::iq::tctoken::compute_cs_token;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};

use crate::account::device::{Class, Pending};
use crate::account::{Account, lock};
use crate::address::Number;
use crate::network::Net;
use crate::{clock, keys, wire};

const COLD: u16 = 463;

/// A reach-out lock: until then, by the seconds of the epoch, where the network says so.
#[derive(Clone, Copy)]
struct Lock {
    ends: Option<u64>,
}

#[derive(Default)]
struct Known {
    locked: HashMap<Number, Lock>,
    /// People who take nothing without a token.
    guarded: HashSet<Number>,
    /// How often each account asked for its lock, and how often it was refused for being unknown.
    asked: HashMap<Number, u64>,
    refused: HashMap<Number, u64>,
}

#[derive(Default)]
pub(crate) struct Restrictions(Mutex<Known>);

impl Restrictions {
    pub(crate) fn lock(&self, net: &Net, account: &Arc<Account>, ends: Option<u64>, notice: bool) {
        lock(&self.0).locked.insert(account.number, Lock { ends });
        if notice {
            tell(net, account, Some(Lock { ends }));
        }
    }

    /// The devices are told.
    pub(crate) fn unlock(&self, net: &Net, account: &Arc<Account>) {
        lock(&self.0).locked.remove(&account.number);
        tell(net, account, None);
    }

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

fn tell(net: &Net, account: &Arc<Account>, lock: Option<Lock>) {
    let said = json!({"data": {"xwa2_notify_account_reachout_timelock": state(lock)}});
    let update = NodeBuilder::new("update").attr("op_name", "NotificationUserReachoutTimelockUpdate");
    let update = update.bytes(said.to_string().into_bytes()).build();
    let devices: Vec<u16> = account.registry().devices.keys().copied().collect();
    for device in devices {
        let id = keys::stanza_id();
        let node = NodeBuilder::new("notification")
            .attr("from", wire::server())
            .attr("type", "mex")
            .attr("id", &id)
            .attr("t", clock::now_secs())
            .children([update.clone()])
            .build();
        let pending = Pending { class: Class::Notification, id, from: None, node: Arc::new(node), urgent: false };
        crate::router::enqueue(net, account, device, pending);
    }
}

/// The answer to a `w:mex` query. Only the one about the lock is known.
pub(crate) fn mex(net: &Net, account: &Account, query: &NodeRef<'_>) -> Option<Node> {
    let asked = query.get_optional_child("query")?;
    if !wire::is(asked, "query_id", wacore::iq::mex_operations::fetch_reachout_timelock::DOC_ID) {
        return None;
    }
    Some(wire::bytes_node("result", net.restrictions.answer(account.number).to_string().into_bytes()))
}

/// Why the network does not take the message to that person, if it does not.
pub(crate) fn refusal(net: &Net, account: &Account, to: Number, message: &NodeRef<'_>) -> Option<u16> {
    {
        let known = lock(&net.restrictions.0);
        let coldly = known.guarded.contains(&to) && !has_token(account.number, to, message);
        let locked = known.locked.contains_key(&account.number);
        // A lock leaves alone who has written with each other before. Whoever wants a token wants it from them too.
        let met = || account.phone().ledger.iter().any(|entry| entry.chat == to);
        if !coldly && (!locked || met()) {
            return None;
        }
    }
    *lock(&net.restrictions.0).refused.entry(account.number).or_default() += 1;
    Some(COLD)
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
