//! What the network says in words that the library does not know: counted, so that a change at WhatsApp shows before it hurts.
//!
//! The library hands every decoded stanza over while somebody holds a lease for it: one pointer a stanza, given back before the stanza is
//! worked on. The sets below are what version 0.7.0 of the library, or Wharf itself, works on; the library's contract tests tell when they move.

use wacore_binary::NodeRef;
use wharf_core::meter::Unknown;

const TAGS: &[&str] = &[
    "ack",
    "call",
    "chatstate",
    "failure",
    "ib",
    "iq",
    "message",
    "notification",
    "presence",
    "receipt",
    "status",
    "stream:error",
    "success",
    "xmlstreamend",
];

const NOTIFICATIONS: &[&str] = &[
    "account_sync",
    "business",
    "companion_reg_refresh",
    "contacts",
    "crsc_continuation",
    "devices",
    "disappearing_mode",
    "encrypt",
    "link_code_companion_reg",
    "mediaretry",
    "mex",
    "newsletter",
    "passkey_prologue_request",
    "picture",
    "privacy_token",
    "server_sync",
    "status",
    "w:gp2",
];

const BROADCASTS: &[&str] = &["client_expiration", "dirty", "edge_routing", "offline", "offline_preview", "thread_metadata"];
const SEALS: &[&str] = &["msg", "msmsg", "pkmsg", "skmsg"];
/// Refusals of what was sent that have a meaning here or at the library.
const REFUSALS: &[&str] = &[
    "400", "401", "403", "404", "406", "408", "409", "420", "421", "429", "463", "475", "479", "487", "488", "491", "495", "500", "502",
    "503", "504", "550", "551", "552",
];

/// Counts what of a stanza is not known.
pub(super) fn count(unknown: &Unknown, stanza: &NodeRef<'_>) {
    let tag = stanza.tag.as_ref();
    let children = || stanza.children().unwrap_or_default();
    let kind = |node: &NodeRef<'_>| node.get_attr("type").map(|kind| kind.as_str().into_owned()).unwrap_or_default();
    match tag {
        _ if !TAGS.contains(&tag) => note(&unknown.tag, "tag", tag),
        "notification" => {
            let kind = kind(stanza);
            if !NOTIFICATIONS.contains(&kind.as_str()) {
                note(&unknown.notification, "notification", &kind);
            }
        }
        "ib" => {
            for child in children().iter().filter(|child| !BROADCASTS.contains(&child.tag.as_ref())) {
                note(&unknown.ib, "ib", child.tag.as_ref());
            }
        }
        "message" | "status" => {
            for enc in children().iter().filter(|child| child.tag.as_ref() == "enc") {
                let kind = kind(enc);
                if !SEALS.contains(&kind.as_str()) {
                    note(&unknown.enc, "enc", &kind);
                }
            }
        }
        "ack" => {
            if let Some(error) = stanza.get_attr("error").map(|error| error.as_str().into_owned())
                && !REFUSALS.contains(&error.as_str())
            {
                note(&unknown.nack, "nack", &error);
            }
        }
        // What the server asks of its own accord.
        "iq" if matches!(kind(stanza).as_str(), "get" | "set") => {
            let space = stanza.get_attr("xmlns").map(|space| space.as_str().into_owned()).unwrap_or_default();
            let known = children().iter().any(|child| matches!(child.tag.as_ref(), "ping" | "pair-device" | "pair-success"));
            if !known && !matches!(space.as_str(), "md" | "urn:xmpp:ping") {
                note(&unknown.other, "iq", &space);
            }
        }
        _ => {}
    }
}

/// The word is the protocol's and not a person's; a long one is cut.
fn note(counter: &wharf_core::meter::Counter, place: &'static str, word: &str) {
    counter.one();
    let word: String = word.chars().filter(char::is_ascii_graphic).take(40).collect();
    tracing::debug!(place, word, "WhatsApp says something that the library does not know");
}

#[cfg(test)]
mod tests {
    use wacore_binary::Node;
    use wacore_binary::builder::NodeBuilder;

    use super::*;

    fn counted(stanza: &Node) -> [u64; 6] {
        let bytes = wacore_binary::marshal::marshal(stanza).unwrap();
        let unpacked = wacore_binary::util::unpack(&bytes).unwrap();
        let node = wacore_binary::marshal::unmarshal_ref(&unpacked).unwrap();
        let unknown = Unknown::default();
        count(&unknown, &node);
        [&unknown.tag, &unknown.notification, &unknown.ib, &unknown.enc, &unknown.nack, &unknown.other]
            .map(wharf_core::meter::Counter::read)
    }

    #[test]
    fn what_is_known_is_not_counted_and_what_is_not_is_counted_at_its_place() {
        let node = |tag: &'static str| NodeBuilder::new(tag);
        for known in [
            node("success").build(),
            node("notification").attr("type", "w:gp2").build(),
            node("ib").children([node("dirty").build(), node("offline").build()]).build(),
            node("message").children([node("enc").attr("type", "pkmsg").build(), node("meta").build()]).build(),
            node("ack").attr("error", "463").build(),
            node("ack").build(),
            node("iq").attr("type", "result").build(),
            node("iq").attr("type", "get").attr("xmlns", "urn:xmpp:ping").build(),
            node("iq").attr("type", "set").attr("xmlns", "md").build(),
            node("iq").attr("type", "set").children([node("pair-success").build()]).build(),
        ] {
            assert_eq!(counted(&known), [0; 6], "{known:?}");
        }
        for (place, strange) in [
            node("hologram").build(),
            node("notification").attr("type", "hologram").build(),
            node("ib").children([node("hologram").build()]).build(),
            node("message").children([node("enc").attr("type", "pqmsg").build()]).build(),
            node("ack").attr("error", "799").build(),
            node("iq").attr("type", "set").attr("xmlns", "hologram").build(),
        ]
        .into_iter()
        .enumerate()
        {
            let mut expected = [0; 6];
            expected[place] = 1;
            assert_eq!(counted(&strange), expected);
        }
        let two = node("ib").children([node("one_more").build(), node("dirty").build(), node("two_more").build()]).build();
        assert_eq!(counted(&two)[2], 2);
    }
}
