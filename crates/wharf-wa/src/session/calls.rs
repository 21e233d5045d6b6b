//! Calls, as events of the log: one where it begins to ring and one where it ends, however often WhatsApp says it. Nobody answers: a linked
//! device of this kind cannot speak.

use wacore::types::call::{CallAction, IncomingCall, MissedCall};
use wacore_binary::{Jid, JidExt as _};
use wharf_api::Timestamp;
use wharf_api::types::call::{CallEnded, CallKind, CallOutcome, CallReceived};
use wharf_api::types::event::EventKind;
use wharf_api::types::message::Party;

use super::convert::Person;
use super::notice::Notice;

/// What is said of a call: that it begins to ring, or that it is over. `None` for all between.
pub(super) fn said(call: &IncomingCall) -> Option<Notice> {
    ringing(call).or_else(|| ended(call))
}

fn ringing(call: &IncomingCall) -> Option<Notice> {
    let outer = call.participant.as_ref().unwrap_or(&call.from);
    let (creator, number, video, group) = match &call.action {
        CallAction::Offer { call_creator, caller_pn, is_video, group_jid, .. } => {
            (call_creator, caller_pn.as_ref(), *is_video, group_jid.as_ref())
        }
        CallAction::OfferNotice { call_creator, is_video, .. } => (call_creator, None, *is_video, None),
        _ => return None,
    };
    let mut from = Party::from(Person::of(creator, number.or(Some(outer))));
    from.name.clone_from(&call.notify);
    Some(notice(&CallReceived {
        call_id: call.action.call_id().to_owned(),
        from,
        kind: Some(if video { CallKind::Video } else { CallKind::Audio }),
        group_id: group.or(Some(&call.from)).filter(|jid| jid.is_group()).map(Jid::to_non_ad_string),
        missed: false,
        at: Timestamp::from_millis(call.timestamp.timestamp_millis()),
    }))
}

/// Why a call rings no more, by the reason that WhatsApp gives; it gives none where the caller hung up.
fn ended(call: &IncomingCall) -> Option<Notice> {
    let CallAction::Terminate { call_id, call_creator, reason, .. } = &call.action else { return None };
    let outcome = match reason.as_deref() {
        Some("accepted_elsewhere") => CallOutcome::AnsweredElsewhere,
        Some("rejected_elsewhere") => CallOutcome::RejectedElsewhere,
        None | Some("timeout" | "group_call_ended") => CallOutcome::Unanswered,
        Some(_) => return None,
    };
    let mut from = Party::from(Person::of(call_creator, call.participant.as_ref().or(Some(&call.from))));
    from.name.clone_from(&call.notify);
    let at = Timestamp::from_millis(call.timestamp.timestamp_millis());
    let told = CallEnded { call_id: call_id.clone(), from, outcome, at };
    Some(Notice::new(format!("call-end:{call_id}"), EventKind::CallEnded, &told))
}

/// A call that rang while the session was away.
pub(super) fn missed(call: &MissedCall) -> Notice {
    notice(&CallReceived {
        call_id: call.call_id.clone(),
        from: Person::of(&call.from, None).into(),
        kind: None,
        group_id: None,
        missed: true,
        at: Timestamp::from_millis(call.timestamp.timestamp_millis()),
    })
}

fn notice(call: &CallReceived) -> Notice {
    Notice::new(format!("call:{}", call.call_id), EventKind::CallReceived, call)
}
