//! What we answer.

use serde_json::Value;

use crate::Permission;
use crate::error::{ErrorCode, Group, Retry};
use crate::ids::WebhookId;
use crate::openapi::schema::{
    Member, about, always, answer, boolean, id, integer, key_id, list, maybe, message_id, nullable, session_id, text, time, word,
};
use crate::types::hold::HoldReason;
use crate::types::message::MessageStatus;
use crate::types::session::{Degradation, DisconnectReason, SessionStatus, WaitingFor};

pub(super) fn details() -> Value {
    answer(vec![
        maybe("field", about(text(), "The faulty part of the request, as a path.")),
        maybe("reason", about(text(), "What exactly is wrong.")),
        maybe("limit", about(integer(0, None), "The limit that was met.")),
        maybe("actual", about(integer(0, None), "What was sent instead.")),
        maybe("retryAfter", about(integer(1, None), "Seconds to wait before the next try.")),
        maybe("messageId", about(message_id(), "The message that the failure is about.")),
        maybe("resetAt", about(time(), "When a used-up limit is whole again.")),
    ])
}

pub(super) fn page_info() -> Value {
    answer(vec![always("next", about(nullable(text()), "The `cursor` of the next page; null at the end."))])
}

pub(super) fn health() -> Value {
    answer(vec![always("status", text())])
}

pub(super) fn error_entry() -> Value {
    let groups =
        [Group::Authentication, Group::Session, Group::Message, Group::Webhook, Group::RateLimiting, Group::General, Group::Additive];
    let retries = [Retry::No, Retry::Soon, Retry::After, Retry::NextDay, Retry::OnceConnected];
    answer(vec![
        always("code", word(ErrorCode::ALL.iter().map(|code| code.name()))),
        always("httpStatus", integer(400, Some(599))),
        always("group", word(groups.map(Group::as_str))),
        always("description", about(text(), "What happened.")),
        always("fix", about(text(), "What to do about it.")),
        always("retryable", boolean()),
        always("retry", about(word(retries.map(Retry::as_str)), "When the same request can succeed.")),
    ])
}

pub(super) fn session() -> Value {
    answer(session_members())
}

pub(super) fn session_with_qr() -> Value {
    let code = qr_members().into_iter().map(|(name, _, schema)| maybe(name, schema));
    let webhook = maybe("webhookId", about(id(WebhookId::PREFIX), "The webhook that was made with it."));
    answer(session_members().into_iter().chain(code).chain([webhook]).collect())
}

pub(super) fn qr() -> Value {
    answer(qr_members())
}

fn session_members() -> Vec<Member> {
    vec![
        always("sessionId", session_id()),
        always("name", text()),
        always("status", word(SessionStatus::ALL.iter().map(|status| status.as_str()))),
        maybe(
            "reason",
            about(
                word(DisconnectReason::ALL.iter().map(|reason| reason.as_str())),
                "Why it is `disconnected`; `refused` also while it is tried again.",
            ),
        ),
        maybe("waitingFor", waiting_for()),
        maybe("since", about(time(), "When that wait began.")),
        maybe("refusal", refusal()),
        maybe("degraded", degraded()),
        maybe("newContactsHeld", new_contacts_held()),
        maybe("phoneNumber", about(text(), "The linked account's phone number.")),
        maybe(
            "numberSince",
            about(time(), "Since when the session is, or was last, linked to its number; messages from before are another number's."),
        ),
        maybe("lid", about(text(), "The linked account's LID.")),
        maybe("proxy", about(text(), "Its own proxy on the way to WhatsApp, without name and password.")),
        always("createdAt", time()),
        always("statusAt", about(time(), "When the status last changed.")),
        maybe(
            "lastSeenAt",
            about(
                time(),
                "When WhatsApp was last heard of on its connection; a silent one is probed and given up within a minute and a half.",
            ),
        ),
    ]
}

pub(in crate::openapi) fn new_contacts_held() -> Value {
    let reasons = word(HoldReason::ALL.iter().map(|reason| reason.as_str()));
    let members = vec![always("until", about(time(), "WhatsApp's own date, where it names one.")), always("reason", reasons)];
    about(answer(members), "People whom the session has not written with yet wait until then. Shown for one session, not in lists.")
}

pub(in crate::openapi) fn waiting_for() -> Value {
    about(
        word(WaitingFor::ALL.iter().map(|wait| wait.as_str())),
        "What somebody or something else has to bring before the session goes on. Its link, its keys and its queue stay.",
    )
}

pub(in crate::openapi) fn refusal() -> Value {
    let members = vec![
        always(
            "code",
            about(
                integer(0, Some(u64::from(u16::MAX))),
                "WhatsApp's number for it; 0 where it gave none, 428 where it closed without a word.",
            ),
        ),
        maybe("text", text()),
        always("at", time()),
        maybe("until", about(time(), "When it ends, where WhatsApp says so; the session is tried again then.")),
    ];
    about(answer(members), "WhatsApp's last refusal, until the session is connected again.")
}

pub(in crate::openapi) fn degraded() -> Value {
    about(
        word(Degradation::ALL.iter().map(|part| part.as_str())),
        "What does not work although the session is connected: the phone's settings (`app_state`), or the phone itself (`phone_away`: not heard of for ten days, and WhatsApp unlinks after fourteen).",
    )
}

fn qr_members() -> Vec<Member> {
    vec![
        always("qrCode", about(text(), "A PNG as a data URL.")),
        always("qr", about(text(), "The string that the picture encodes.")),
        always("qrExpiresAt", about(time(), "When the next code takes its place.")),
    ]
}

pub(super) fn quick_session_created() -> Value {
    let code = about(nullable(text()), "A PNG as a data URL; null where no code came in time.");
    answer(vec![always("sessionId", session_id()), always("qrCode", code)])
}

pub(super) fn pairing_code() -> Value {
    answer(vec![always("sessionId", session_id()), always("pairingCode", text()), always("expiresAt", time())])
}

pub(super) fn checked_contact() -> Value {
    answer(vec![
        always("phoneNumber", about(text(), "The number as it was asked.")),
        always("onWhatsapp", boolean()),
        maybe("contactId", about(text(), "The id as WhatsApp writes it, where there is one.")),
        maybe("lid", text()),
    ])
}

pub(super) fn key() -> Value {
    answer(key_members())
}

pub(super) fn created_key() -> Value {
    let mut members = key_members();
    members.push(always("apiKey", about(text(), "The key itself, shown this once.")));
    answer(members)
}

fn key_members() -> Vec<Member> {
    vec![
        always("keyId", key_id()),
        always("name", text()),
        always("permissions", list(&word(Permission::ALL.iter().map(|permission| permission.as_str())))),
        maybe("sessionIds", list(&session_id())),
        always("createdAt", time()),
        maybe("expiresAt", time()),
        maybe("revokedAt", time()),
        maybe("lastUsedAt", time()),
    ]
}

pub(super) fn party() -> Value {
    answer(vec![
        always("contactId", about(text(), "The id as WhatsApp writes it.")),
        maybe("phoneNumber", text()),
        maybe("lid", text()),
        maybe("name", about(text(), "The name that the sender gave itself.")),
    ])
}

pub(super) fn message_error() -> Value {
    answer(vec![always("code", text()), maybe("reason", text())])
}

pub(super) fn timeline_entry() -> Value {
    answer(vec![always("status", status()), always("at", time())])
}

pub(super) fn status() -> Value {
    word(MessageStatus::ALL.iter().map(|status| status.as_str()))
}
