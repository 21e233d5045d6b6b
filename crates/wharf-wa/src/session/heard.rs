//! What a client hears, stanza by stanza, before the library makes anything of it. The reading of the connection waits meanwhile.

use std::sync::Arc;

use wacore_binary::NodeRef;
use wharf_api::Timestamp;

use super::{Own, groups, known, unknown};

/// Notes what the library has no event for; tells whether the session's task wants the stanza too.
pub(super) fn heard(own: &Arc<Own>, stanza: &NodeRef<'_>) -> bool {
    own.line.heard();
    unknown::count(&own.ctx.meter().unknown, stanza);
    match stanza.tag.as_ref() {
        "message" | "status" => own.gate.ratchet.heard(stanza),
        "notification" if stanza.get_attr("type").is_some_and(|kind| kind.as_str() == "w:gp2") => {
            for (group, action, notice) in groups::changed(stanza) {
                own.timers.told(&group, &action);
                known::look_at(own, &group);
                notice.keep(own);
            }
        }
        "ib" => {
            if let Some(end) = client_expiration(stanza) {
                own.ctx.version.ends(end);
            }
        }
        _ => {}
    }
    stanza.tag.as_ref() == "stream:error"
}

/// When WhatsApp takes the claimed version no more, where the stanza says so.
fn client_expiration(ib: &NodeRef<'_>) -> Option<Timestamp> {
    let secs = ib.get_optional_child("client_expiration")?.attrs().optional_u64("t")?;
    Some(Timestamp::from_millis(i64::try_from(secs).ok()?.checked_mul(1000)?))
}
