//! Small readers and builders for stanzas, so that the families read like the protocol.

use std::borrow::Cow;

use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node, NodeRef, Server};

/// Who the server is, as it writes itself: an address without a user. Some clients take no plain text for it.
pub(crate) fn server() -> Jid {
    Jid::new("", Server::Pn)
}

pub(crate) fn attr<'n>(node: &'n NodeRef<'_>, key: &str) -> Option<Cow<'n, str>> {
    node.get_attr(key).map(|value| value.as_str())
}

pub(crate) fn text(node: &NodeRef<'_>, key: &str) -> String {
    attr(node, key).map(Cow::into_owned).unwrap_or_default()
}

pub(crate) fn is(node: &NodeRef<'_>, key: &str, value: &str) -> bool {
    attr(node, key).is_some_and(|found| found == value)
}

pub(crate) fn jid(node: &NodeRef<'_>, key: &str) -> Option<Jid> {
    node.get_attr(key).and_then(wacore_binary::node::ValueRef::to_jid)
}

pub(crate) fn child_bytes<'n>(node: &'n NodeRef<'_>, tag: &str) -> Option<&'n [u8]> {
    node.get_optional_child(tag).and_then(|child| child.content_bytes())
}

/// A number of up to four bytes, most significant first.
pub(crate) fn be_uint(bytes: &[u8]) -> Option<u32> {
    (bytes.len() <= 4).then(|| bytes.iter().fold(0, |value, byte| (value << 8) | u32::from(*byte)))
}

pub(crate) fn result(id: &str, children: Vec<Node>) -> Node {
    let iq = NodeBuilder::new("iq").attr("from", server()).attr("id", id).attr("type", "result");
    if children.is_empty() { iq.build() } else { iq.children(children).build() }
}

pub(crate) fn failure(id: &str, code: u16, text: &'static str) -> Node {
    let error = NodeBuilder::new("error").attr("code", code).attr("text", text).build();
    NodeBuilder::new("iq").attr("from", server()).attr("id", id).attr("type", "error").children([error]).build()
}

pub(crate) fn bytes_node(tag: &'static str, bytes: impl Into<Vec<u8>>) -> Node {
    NodeBuilder::new(tag).bytes(bytes).build()
}

/// The word with which the server ends a stream.
pub(crate) fn stream_error(code: Option<u16>, conflict: Option<&'static str>) -> Node {
    let mut error = NodeBuilder::new("stream:error");
    if let Some(code) = code {
        error = error.attr("code", code);
    }
    if let Some(conflict) = conflict {
        error = error.children([NodeBuilder::new("conflict").attr("type", conflict).build()]);
    }
    error.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_writes_itself_as_an_address_without_a_user() {
        let written = wacore_binary::marshal(&result("1", Vec::new())).unwrap();
        let text = String::from_utf8_lossy(&written);
        assert!(!text.contains("whatsapp"), "not in letters: {written:?}");
        // The mark of an address, no user, and the token of the server.
        assert!(written.windows(2).any(|bytes| bytes == [250, 0]), "{written:?}");
        let read = wacore_binary::OwnedNodeRef::new(written[1..].to_vec()).unwrap();
        assert_eq!(read.get_attr("from").unwrap().as_str(), wacore_binary::SERVER_JID);
    }
}
