//! Questions about users: who is on WhatsApp, with which devices and which LID.

use std::sync::Arc;

use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};

use super::{Session, wire};
use crate::account::Account;
use crate::address::{Address, Number};
use crate::cast::{self, Behaviour};
use crate::faults::Action;
use crate::phone::companion;

pub(super) fn handle(session: &Session, asker: &Arc<Account>, node: &NodeRef<'_>) {
    let Some(usync) = node.get_optional_child("usync") else {
        return session.refuse(node, 400, "bad-request");
    };
    let protocols: Vec<&str> = usync
        .get_optional_child("query")
        .and_then(NodeRef::children)
        .unwrap_or_default()
        .iter()
        .map(|protocol| protocol.tag.as_ref())
        .collect();
    let questions = usync.get_optional_child("list").and_then(NodeRef::children).unwrap_or_default();
    if protocols.contains(&"contact") {
        match questions.iter().find_map(oddity) {
            Some(Behaviour::GarbledLookup) => return session.answer(node, vec![NodeBuilder::new("nonsense").build()]),
            Some(Behaviour::UnansweredLookup) => return,
            _ => {}
        }
    }
    let users = questions.iter().filter_map(|user| describe(session, asker, user, &protocols));
    let list = NodeBuilder::new("list").children(users.collect::<Vec<_>>()).build();
    let answer = NodeBuilder::new("usync")
        .attr("sid", wire::text(usync, "sid"))
        .attr("mode", wire::text(usync, "mode"))
        .attr("context", wire::text(usync, "context"))
        .attr("index", "0")
        .attr("last", "true")
        .children([NodeBuilder::new("result").build(), list])
        .build();
    session.answer(node, vec![answer]);
}

/// How the server treats a question about this user, where that is not by answering it.
fn oddity(user: &NodeRef<'_>) -> Option<Behaviour> {
    let typed = user.get_optional_child("contact").and_then(NodeRef::content_as_string);
    let number = match wire::jid(user, "jid") {
        Some(jid) => Address::from_jid(&jid)?.number,
        None => typed_number(typed.as_deref()?)?,
    };
    let (_, behaviour) = cast::find(number)?;
    matches!(behaviour, Behaviour::GarbledLookup | Behaviour::UnansweredLookup).then_some(behaviour)
}

/// A number as somebody typed it, or as the address that it had in the beginning: `+15550001002@c.us`.
fn typed_number(typed: &str) -> Option<Number> {
    Number::parse(typed.split('@').next().unwrap_or(typed))
}

/// Answers in the namespace that was asked in.
fn describe(session: &Session, asker: &Arc<Account>, user: &NodeRef<'_>, protocols: &[&str]) -> Option<Node> {
    let typed = user.get_optional_child("contact").and_then(NodeRef::content_as_string);
    let jid = match wire::jid(user, "jid") {
        Some(jid) => jid.to_non_ad(),
        None => session.net.spellings.known(typed_number(typed.as_deref()?)?).jid(),
    };
    let number = Address::from_jid(&jid)?.number;
    let account = session.net.account(number);
    let mut answer = NodeBuilder::new("user").attr("jid", &jid);
    if jid.is_lid() {
        answer = answer.attr("pn_jid", number.jid());
    }
    let parts = protocols.iter().filter_map(|protocol| match *protocol {
        "contact" => Some(contact(account.is_some(), typed.as_deref())),
        "lid" => account.as_ref().map(|_| NodeBuilder::new("lid").attr("val", number.lid()).build()),
        "devices" => Some(devices(session, asker, account.as_ref())),
        "status" => Some(about(session, number)),
        "picture" => session.net.profiles.of(number).picture.map(|picture| NodeBuilder::new("picture").attr("id", picture.id).build()),
        "disappearing_mode" => Some(NodeBuilder::new("disappearing_mode").attr("duration", 0u8).attr("t", 0u8).build()),
        // Nobody here is a business.
        _ => None,
    });
    Some(answer.children(parts.collect::<Vec<_>>()).build())
}

fn about(session: &Session, number: Number) -> Node {
    let (text, at_secs) =
        session.net.profiles.of(number).about.map_or_else(|| ("Available".to_owned(), 0), |about| (about.text, about.at_secs));
    NodeBuilder::new("status").attr("t", at_secs).bytes(text.into_bytes()).build()
}

fn contact(registered: bool, typed: Option<&str>) -> Node {
    let contact = NodeBuilder::new("contact").attr("type", if registered { "in" } else { "out" });
    match typed {
        Some(typed) => contact.bytes(typed.as_bytes().to_vec()).build(),
        None => contact.build(),
    }
}

fn devices(session: &Session, asker: &Arc<Account>, account: Option<&Arc<Account>>) -> Node {
    let Some(account) = account else {
        return NodeBuilder::new("devices").children([NodeBuilder::new("device-list").build()]).build();
    };
    let mut registry = account.registry();
    registry.watchers.insert(asker.number);
    let mut list = vec![NodeBuilder::new("device").attr("id", 0u8).build()];
    list.extend(
        registry
            .devices
            .values()
            .map(|device| NodeBuilder::new("device").attr("id", device.id).attr("key-index", device.key_index).build()),
    );
    let mut children = vec![NodeBuilder::new("device-list").children(list).build()];
    // Clients pass over a user whose linked devices come without a signed list.
    let fault = |action| session.net.faults.take(&[action], Some(asker.number), Some(account.number)).is_some();
    let (unsigned, forged) = (fault(Action::UnsignedDevices), fault(Action::ForgedDevices));
    if !registry.devices.is_empty() && !unsigned {
        let indexes = registry.devices.values().map(|d| d.key_index).collect();
        let raw_id = registry.raw_id;
        drop(registry);
        children.push(companion::key_index_list(&account.phone(), raw_id, indexes, forged));
    }
    NodeBuilder::new("devices").children(children).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_typed_with_or_without_the_address_of_the_beginning() {
        for typed in ["+15550001002", "15550001002", "+15550001002@c.us", "15550001002@s.whatsapp.net"] {
            assert_eq!(typed_number(typed), Some(Number(15_550_001_002)), "{typed}");
        }
        assert_eq!(typed_number("nobody@c.us"), None);
    }
}
