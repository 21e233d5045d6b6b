//! What devices are told of a lock, and whose messages the network refuses.

use std::sync::Arc;

use serde_json::json;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};

use super::{Lock, Restrictions, has_token, state};
use crate::account::device::{Class, Pending};
use crate::account::{Account, lock};
use crate::address::Number;
use crate::network::Net;
use crate::{clock, keys, wire};

const COLD: u16 = 463;

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
        net.enqueue(account, device, pending);
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
