//! How the server turns somebody away: at the door, and in the middle of a stream.

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use super::Role;
use crate::connection::handle::Handle;
use crate::faults::Rule;

/// Not on the wire: other clients' number for a connection that is closed without a word.
const WITHOUT_A_WORD: u16 = 428;
/// What a rule without a code means.
const UNAVAILABLE: u16 = 503;

/// A `<failure>` with what the rule says, or nothing at all; the connection is closed.
pub(super) fn at_the_door(handle: &Handle, rule: &Rule) -> Role {
    let reason = rule.code.unwrap_or(UNAVAILABLE);
    if reason != WITHOUT_A_WORD {
        let mut failure = NodeBuilder::new("failure").attr("reason", reason).attr("location", "sim");
        if let Some(ban) = rule.ban {
            failure = failure.attr("code", ban);
        }
        if let Some(expire_secs) = rule.expire_secs {
            failure = failure.attr("expire", expire_secs);
        }
        if let Some(text) = &rule.text {
            failure = failure.attr("message", text);
        }
        handle.send(failure.build());
    }
    handle.close();
    Role::Refused
}

/// A `<stream:error>` with the rule's code, and with its text as the element inside; the server ends the stream after it.
pub(crate) fn in_the_stream(handle: &Handle, rule: &Rule) {
    handle.send(stream_error(rule));
    handle.close();
}

fn stream_error(rule: &Rule) -> Node {
    let mut error = NodeBuilder::new("stream:error");
    if let Some(code) = rule.code {
        error = error.attr("code", code);
    }
    let inside = rule.text.as_deref().map(|text| match text {
        "replaced" | "device_removed" => NodeBuilder::new("conflict").attr("type", text).build(),
        "xml-not-well-formed" => NodeBuilder::new("xml-not-well-formed").build(),
        _ => NodeBuilder::new("ack").attr("class", "message").attr("id", text).build(),
    });
    error.children(inside).build()
}

/// The word that WhatsApp puts beside the code of a refused request for a pairing code.
pub(super) const fn word(code: u16) -> &'static str {
    match code {
        400 => "bad-request",
        403 => "forbidden",
        429 => "rate-overlimit",
        452 => "feature-not-available",
        500 => "internal-server-error",
        _ => "unknown",
    }
}
