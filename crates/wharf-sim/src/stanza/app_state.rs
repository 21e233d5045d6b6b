//! Requests for what an account's devices share of its chats, and the word to the others that something is new.

use std::sync::Arc;

use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};

use super::{Session, wire};
use crate::account::Account;
use crate::account::app_state::{self, PatchRefusal};
use crate::account::device::{Class, Pending};
use crate::faults::{Action, Rule};
use crate::network::Net;
use crate::{clock, keys};

pub(super) fn handle(session: &Session, account: &Arc<Account>, device: u16, node: &NodeRef<'_>) {
    let Some(sync) = node.get_optional_child("sync") else { return session.answer(node, Vec::new()) };
    let names: Vec<String> = sync.get_children_by_tag("collection").map(|asked| wire::text(asked, "name")).collect();
    let rule =
        if names.iter().any(|name| is_critical(name)) { session.net.faults.take(ODDITIES, Some(account.number), None) } else { None };
    if rule.as_ref().is_some_and(|rule| rule.action == Action::SilentAppState) {
        return;
    }
    let mut changed = Vec::new();
    let answers: Vec<Node> = sync
        .get_children_by_tag("collection")
        .map(|asked| {
            let name = wire::text(asked, "name");
            if let Some(rule) = rule.as_ref().filter(|_| is_critical(&name)) {
                return spoil(account, &name, rule);
            }
            match asked.get_optional_child("patch").and_then(|patch| patch.content_bytes()) {
                Some(patch) => take(account, asked, name, patch, &mut changed),
                None => give(account, asked, &name),
            }
        })
        .collect();
    session.answer(node, vec![NodeBuilder::new("sync").children(answers).build()]);
    if !changed.is_empty() {
        session.net.save(account);
        tell(&session.net, account, Some(device), &changed);
    }
}

/// How critical collections go wrong.
const ODDITIES: &[Action] = &[
    Action::SilentAppState,
    Action::RefuseAppState,
    Action::ConflictAppState,
    Action::GarbleAppState,
    Action::ForgeAppState,
    Action::LockAppState,
];

/// What a new device has to have before it shows anything.
fn is_critical(name: &str) -> bool {
    name.starts_with("critical")
}

/// An answer that no device can do anything with.
fn spoil(account: &Account, name: &str, rule: &Rule) -> Node {
    let answer = NodeBuilder::new("collection").attr("name", name).attr("version", 1u8);
    let error = |code: u16, text| NodeBuilder::new("error").attr("code", code).attr("text", text).build();
    match rule.action {
        Action::RefuseAppState => answer.attr("type", "error").children([error(rule.code.unwrap_or(500), "refused")]).build(),
        Action::ConflictAppState => {
            answer.attr("type", "error").attr("has_more_patches", "true").children([error(409, "conflict")]).build()
        }
        Action::GarbleAppState => answer.children([listed(vec![vec![0xff; 24]])]).build(),
        _ => {
            let key = if rule.action == Action::ForgeAppState { account.app_state().key().0 } else { crate::keys::random_bytes() };
            answer.children([listed(vec![app_state::forged(1, &key)])]).build()
        }
    }
}

/// The version that a device has.
fn base(asked: &NodeRef<'_>) -> usize {
    wire::attr(asked, "version").and_then(|version| version.parse().ok()).unwrap_or(0)
}

fn give(account: &Account, asked: &NodeRef<'_>, name: &str) -> Node {
    let state = account.app_state();
    let answer = NodeBuilder::new("collection").attr("name", name).attr("version", state.version(name));
    let patches = state.since(name, base(asked));
    if patches.is_empty() { answer.build() } else { answer.children([listed(patches)]).build() }
}

fn listed(patches: Vec<Vec<u8>>) -> Node {
    NodeBuilder::new("patches").children(patches.into_iter().map(|patch| wire::bytes_node("patch", patch)).collect::<Vec<_>>()).build()
}

/// A patch of the device's own. One that came too late is answered with those that were first.
fn take(account: &Account, asked: &NodeRef<'_>, name: String, patch: &[u8], changed: &mut Vec<(String, usize)>) -> Node {
    let mut state = account.app_state();
    let code = match state.push(&name, base(asked), patch) {
        Ok(version) => {
            let answer = NodeBuilder::new("collection").attr("name", &name).attr("version", version).build();
            changed.push((name, version));
            return answer;
        }
        Err(PatchRefusal::Conflict) => 409u16,
        Err(PatchRefusal::Malformed) => 400,
    };
    let error = NodeBuilder::new("error").attr("code", code).attr("text", if code == 409 { "conflict" } else { "bad-request" }).build();
    let answer = NodeBuilder::new("collection").attr("name", &name).attr("type", "error").attr("version", state.version(&name));
    answer.children([error, listed(state.since(&name, base(asked)))]).build()
}

/// Every device but the one that wrote it learns that there is something new.
pub(crate) fn tell(net: &Net, account: &Arc<Account>, but: Option<u16>, changed: &[(String, usize)]) {
    let collections =
        changed.iter().map(|(name, version)| NodeBuilder::new("collection").attr("name", name).attr("version", *version).build());
    let id = keys::stanza_id();
    let node = NodeBuilder::new("notification")
        .attr("from", account.number.jid())
        .attr("type", "server_sync")
        .attr("id", &id)
        .attr("t", clock::now_secs())
        .children(collections.collect::<Vec<_>>())
        .build();
    let node = Arc::new(node);
    let others: Vec<u16> = account.registry().devices.keys().copied().filter(|device| Some(*device) != but).collect();
    for device in others {
        let pending = Pending { class: Class::Notification, id: id.clone(), from: None, node: Arc::clone(&node), urgent: false };
        net.enqueue(account, device, pending);
    }
}
