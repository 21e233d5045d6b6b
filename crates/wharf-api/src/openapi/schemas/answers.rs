//! What we answer.

use serde_json::Value;

use crate::Permission;
use crate::error::{ErrorCode, Group, Retry};
use crate::ids::WebhookId;
use crate::openapi::schema::{
    Member, about, always, answer, boolean, id, integer, key_id, lid, list, maybe, message_id, nullable, phone_digits, session_id, text,
    time, word,
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
    answer(vec![always("status", about(text(), "`ok`; of the readiness `ready`, or `degraded` where the node works without the others."))])
}

pub(super) fn error_entry() -> Value {
    let groups =
        [Group::Authentication, Group::Session, Group::Message, Group::Webhook, Group::RateLimiting, Group::General, Group::Additive];
    let retries = [Retry::No, Retry::Soon, Retry::After, Retry::NextDay, Retry::OnceConnected];
    answer(vec![
        always("code", word(ErrorCode::ALL.iter().map(|code| code.name()))),
        always("httpStatus", about(integer(400, Some(599)), "The status of every answer with this code.")),
        always("group", about(word(groups.map(Group::as_str)), "The heading that it stands under on the page of errors.")),
        always("description", about(text(), "What happened.")),
        always("fix", about(text(), "What to do about it.")),
        always("retryable", about(boolean(), "Whether the same request can succeed later: `retry` is not `no`.")),
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

/// What the words of a session's status mean.
const STATUS: &str = "What it is doing. `starting`: no QR code yet. `qr`: a code waits to be scanned. `connecting`: linked; the connection \
    is opened, or the first synchronisation runs. `connected`: linked, open and answering. `reconnecting`: the connection was lost and is \
    opened again. `qr_expired`: nobody scanned in time. `disconnected`: it was linked and is not any more. `stopped`: stopped on purpose, \
    with its link.";

fn session_members() -> Vec<Member> {
    vec![
        always("sessionId", session_id()),
        always("name", about(text(), "What people call it.")),
        always("status", about(word(SessionStatus::ALL.iter().map(|status| status.as_str())), STATUS)),
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
    let until = about(time(), "WhatsApp's own date, where it names one.");
    let members = vec![always("until", until), always("reason", about(reasons, "Why they wait."))];
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
        maybe("text", about(text(), "What it means in words, WhatsApp's where it gave some.")),
        always("at", about(time(), "When WhatsApp said so.")),
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
    answer(vec![
        always("sessionId", session_id()),
        always("pairingCode", about(text(), "Eight characters to type on the phone, such as `ABCD-1234`.")),
        always("expiresAt", about(time(), "When the phone takes it no more.")),
    ])
}

pub(super) fn checked_contact() -> Value {
    answer(vec![
        always("phoneNumber", about(text(), "The number as it was asked.")),
        always("onWhatsapp", about(boolean(), "Whether somebody uses WhatsApp with the number.")),
        maybe("contactId", about(text(), "The id as WhatsApp writes it, where there is one.")),
        maybe("lid", lid()),
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
        always("keyId", about(key_id(), "Names the key without opening anything: its eight characters stand in the key too.")),
        always("name", about(text(), "What people call it.")),
        always("permissions", about(list(&word(Permission::ALL.iter().map(|permission| permission.as_str()))), "What it may do.")),
        maybe("sessionIds", about(list(&session_id()), "The only sessions that it may use; absent where it may use all of the account's.")),
        always("createdAt", time()),
        maybe("expiresAt", about(time(), "From then on it is refused with `expired_api_key`; absent where it does not end.")),
        maybe("revokedAt", about(time(), "From then on it is refused with `invalid_api_key`; absent where nobody revoked it.")),
        maybe("lastUsedAt", about(time(), "About a minute behind; absent where it was never used.")),
    ]
}

pub(super) fn party() -> Value {
    answer(vec![
        always("contactId", about(text(), "The id as WhatsApp writes it.")),
        maybe("phoneNumber", phone_digits()),
        maybe("lid", lid()),
        maybe("name", about(text(), "The name that the sender gave itself.")),
    ])
}

pub(super) fn message_error() -> Value {
    answer(vec![
        always("code", about(text(), "A code of `GET /v1/errors`, such as `message_sending_failed`.")),
        maybe("reason", about(text(), "What went wrong, in words; it says so where the message may have arrived all the same.")),
    ])
}

pub(super) fn timeline_entry() -> Value {
    answer(vec![always("status", about(status(), "The status that was reached.")), always("at", about(time(), "When it was reached."))])
}

pub(super) fn status() -> Value {
    word(MessageStatus::ALL.iter().map(|status| status.as_str()))
}
