//! Whom a message was really sealed for. Where WhatsApp has no keys of a device the library leaves it out and says nothing: what it does
//! say is the stanza that it sends, which names each device that can open it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use futures::channel::oneshot::Receiver;
use wacore_binary::{Jid, JidExt as _, Node};

/// The stanza of a message that is on its way, and what was found out by it.
struct StanzaWatch {
    stanza: Receiver<std::sync::Arc<Node>>,
    devices: Option<Vec<Jid>>,
    missed: u64,
}

/// A chat has one message on its way at a time.
#[derive(Default)]
pub(crate) struct Keyed(Mutex<HashMap<String, StanzaWatch>>);

/// Ends when it is dropped.
pub(crate) struct Watched<'keyed> {
    keyed: &'keyed Keyed,
    chat: String,
}

impl Keyed {
    /// To be called before the message is handed to the library.
    pub(crate) fn watch(&self, chat: &str, stanza: Receiver<std::sync::Arc<Node>>) -> Watched<'_> {
        self.lock().insert(chat.to_owned(), StanzaWatch { stanza, devices: None, missed: 0 });
        Watched { keyed: self, chat: chat.to_owned() }
    }

    /// Those of the devices that were given the key of the chat; the library would remember it of all. A device that was left out is
    /// given the key with the next message.
    pub(crate) fn given(&self, chat: &str, devices: &[(&str, bool)]) -> Vec<bool> {
        let mut watches = self.lock();
        let watch = watches.get_mut(chat);
        let Some((sealed, missed)) = watch.and_then(|watch| Some((look(&mut watch.devices, &mut watch.stanza)?, &mut watch.missed))) else {
            return devices.iter().map(|(_, has)| *has).collect();
        };
        let sealed: std::collections::HashSet<String> = sealed.iter().map(ToString::to_string).collect();
        let given: Vec<bool> = devices.iter().map(|(device, has)| *has && sealed.contains(*device)).collect();
        *missed += devices.iter().zip(&given).filter(|((_, has), given)| *has && !**given).count() as u64;
        given
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, StanzaWatch>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watched<'_> {
    /// The devices that the message was sealed for one by one, where its stanza was seen, and how many were left out of the key of the
    /// chat.
    pub(crate) fn end(self) -> (Option<Vec<Jid>>, u64) {
        let Some(mut watch) = self.keyed.lock().remove(&self.chat) else { return (None, 0) };
        look(&mut watch.devices, &mut watch.stanza);
        (watch.devices, watch.missed)
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.keyed.lock().remove(&self.chat);
    }
}

fn look<'w>(devices: &'w mut Option<Vec<Jid>>, stanza: &mut Receiver<std::sync::Arc<Node>>) -> Option<&'w [Jid]> {
    if devices.is_none()
        && let Ok(Some(node)) = stanza.try_recv()
    {
        *devices = participants(&node);
    }
    devices.as_deref()
}

/// The devices that a message is sealed for; `None` for one that is sent again to a single device.
fn participants(node: &Node) -> Option<Vec<Jid>> {
    let node = node.as_node_ref();
    let to = node.get_attr("to")?.to_jid()?;
    if to.device != 0 || node.get_attr("participant").is_some() {
        return None;
    }
    let list = node.get_optional_child("participants");
    let named = list.map(|list| list.get_children_by_tag("to").filter_map(|to| to.get_attr("jid")?.to_jid()).collect());
    // A message to many whose devices have the key has no such list; to one person it always has.
    named.or_else(|| (to.is_group() || to.is_status_broadcast()).then(Vec::new))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use wacore_binary::builder::NodeBuilder;

    use super::*;

    fn message(to: &str, devices: &[&str]) -> Node {
        let to: Jid = to.parse().unwrap();
        let sealed = devices.iter().map(|device| NodeBuilder::new("to").attr("jid", device.parse::<Jid>().unwrap()).build());
        let list = NodeBuilder::new("participants").children(sealed.collect::<Vec<_>>()).build();
        NodeBuilder::new("message").attr("to", to).children(if devices.is_empty() { vec![] } else { vec![list] }).build()
    }

    /// Watches a message that is on its way.
    fn watched<'keyed>(keyed: &'keyed Keyed, chat: &str, node: Node) -> Watched<'keyed> {
        let (sender, stanza) = futures::channel::oneshot::channel();
        let watched = keyed.watch(chat, stanza);
        sender.send(Arc::new(node)).unwrap();
        watched
    }

    fn seen(node: Node) -> Option<Vec<Jid>> {
        watched(&Keyed::default(), ANN, node).end().0
    }

    const ANN: &str = "15550000002@s.whatsapp.net";
    const BOB: &str = "15550000003:4@s.whatsapp.net";
    const GROUP: &str = "120363000000000001@g.us";

    const OTHER: &str = "120363000000000002@g.us";

    #[test]
    fn only_devices_that_the_key_was_sealed_for_have_it_and_each_chat_has_its_own_message() {
        let keyed = Keyed::default();
        let (first, second) = (watched(&keyed, GROUP, message(GROUP, &[ANN])), watched(&keyed, OTHER, message(OTHER, &[BOB])));
        assert_eq!(keyed.given("120363000000000003@g.us", &[(BOB, true)]), [true], "a third chat's");
        assert_eq!(keyed.given(GROUP, &[(ANN, true), (BOB, true), (BOB, false)]), [true, false, false]);
        assert_eq!(keyed.given(OTHER, &[(ANN, true), (BOB, true)]), [false, true]);
        assert_eq!(first.end(), (Some(vec![ANN.parse().unwrap()]), 1));
        assert_eq!(keyed.given(GROUP, &[(BOB, true)]), [true], "nothing is watched there any more");
        assert_eq!(keyed.given(OTHER, &[(ANN, true)]), [false]);
        drop(second);
        assert_eq!(keyed.given(OTHER, &[(ANN, true)]), [true], "a try that failed watches nothing");
    }

    #[test]
    fn a_key_that_went_to_nobody_is_nobodys() {
        let keyed = Keyed::default();
        let watched = watched(&keyed, GROUP, message(GROUP, &[]));
        assert_eq!((keyed.given(GROUP, &[(ANN, true)]), watched.end()), (vec![false], (Some(vec![]), 1)));
    }

    #[test]
    fn a_stanza_that_says_nothing_of_devices_tells_nothing() {
        assert_eq!(seen(message(ANN, &[])), None);
        assert_eq!(seen(message("15550000002:3@s.whatsapp.net", &[ANN])), None);
        assert_eq!(seen(message(ANN, &[ANN, BOB])).map(|devices| devices.len()), Some(2));
    }
}
