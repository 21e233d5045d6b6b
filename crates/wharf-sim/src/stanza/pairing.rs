//! Linking and unlinking as the client asks for it: the two steps of a pairing code, and leaving.

use std::sync::Arc;

use wacore_binary::NodeRef;

use super::{Session, refusal, wire};
use crate::account::Account;
use crate::address::Address;
use crate::pairing::{self, Candidate, passkey};

pub(super) fn from_candidate(session: &Session, candidate: &Arc<Candidate>, node: &NodeRef<'_>) {
    if passkey::set(session, candidate, node) {
        return;
    }
    let Some(step) = node.get_optional_child("link_code_companion_reg") else {
        return session.answer(node, Vec::new());
    };
    let stage = wire::text(step, "stage");
    if let Some(rule) = pairing::code::refusal(&session.net, candidate, step, &stage) {
        let code = rule.code.unwrap_or(400);
        return session.refuse(node, code, refusal::word(code));
    }
    let done = match stage.as_str() {
        "companion_hello" => pairing::code::hello(&session.net, candidate, step),
        "companion_finish" => {
            // The client's request must be over before the pairing goes on.
            return pairing::code::finish(session, candidate, node, step);
        }
        _ => None,
    };
    match done {
        Some(answer) => session.answer(node, vec![answer]),
        None => session.refuse(node, 400, "bad-request"),
    }
}

pub(super) fn from_linked(session: &Session, account: &Arc<Account>, node: &NodeRef<'_>) {
    let Some(remove) = node.get_optional_child("remove-companion-device") else {
        return session.answer(node, Vec::new());
    };
    let wanted = wire::jid(remove, "jid").and_then(|jid| Address::from_jid(&jid));
    match wanted.filter(|wanted| wanted.number == account.number) {
        Some(wanted) => {
            session.answer(node, Vec::new());
            pairing::unlink(&session.net, account, wanted.device);
        }
        None => session.refuse(node, 404, "item-not-found"),
    }
}
