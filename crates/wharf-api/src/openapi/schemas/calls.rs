//! Calls.

use serde_json::Value;

use crate::openapi::schema::{about, always, answer, boolean, maybe, reference, text, time, word};
use crate::types::call::{CallKind, CallOutcome};

pub(super) fn call_received() -> Value {
    answer(vec![
        always("callId", about(text(), "Names the call: one call is one event.")),
        always("from", about(reference("Party"), "Who calls.")),
        maybe("type", about(word(CallKind::WORDS), "Absent where WhatsApp does not say it, as with a call that is over.")),
        maybe("groupId", about(text(), "The group that is called together.")),
        always("missed", about(boolean(), "The session was away while it rang, and it is over.")),
        always("at", about(time(), "When it began to ring.")),
    ])
}

pub(super) fn call_ended() -> Value {
    answer(vec![
        always("callId", about(text(), "As in `call.received`.")),
        always("from", about(reference("Party"), "Who called.")),
        always("outcome", about(word(CallOutcome::WORDS), "Elsewhere is the phone, or another device that is linked to it.")),
        always("at", about(time(), "When it stopped ringing.")),
    ])
}
