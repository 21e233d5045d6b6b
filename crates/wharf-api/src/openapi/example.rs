//! Examples: one per code, as the failure's body is sent, and what real runs in the sandbox asked, were answered and were told; beside
//! them a good request per operation.

pub(super) mod request;

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::ids::{MessageId, Uuid};
use crate::ops::Operation;
use crate::types::event::EventKind;
use crate::{ApiError, ErrorCode, Timestamp, limits};

/// 2026-01-01, a midnight in UTC.
const MIDNIGHT_MS: i64 = 1_767_225_600_000;

/// By operation, and by kind of event. The sandbox's test of examples sends these requests, and writes the answers down.
static RECORDED: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("examples.json")).expect("a test reads it, and it is part of the program"));

/// The `request`, `answer`, `dryRun` or `parameters` of an operation, where a run had them.
pub(super) fn recorded(op: &Operation, part: &str) -> Option<&'static Value> {
    RECORDED["operations"][op.id].get(part)
}

/// An event of that kind, where a run had one.
pub(super) fn event(kind: EventKind) -> Option<&'static Value> {
    RECORDED["events"].get(kind.as_str())
}

/// A named example: what the code means, and a body that carries it.
pub(super) fn of(code: ErrorCode) -> Value {
    json!({ "summary": code.row().description, "description": code.row().fix, "value": error(code).body() })
}

fn error(code: ErrorCode) -> ApiError {
    let error = ApiError::new(code);
    let chars = limits::TEXT_CHARS as u64;
    match code {
        ErrorCode::MessageTooLong => error.field("text").reason("the text is too long").limit(chars, chars + 1),
        ErrorCode::InvalidPhoneNumber => error.field("to").reason("fewer than 7 digits"),
        ErrorCode::RecipientNotOnWhatsapp => error.field("to"),
        ErrorCode::SessionNotConnected => error.reason("the session is qr"),
        ErrorCode::SessionDisconnected => error.reason("logged_out"),
        ErrorCode::MessageSendingFailed => error.message(MessageId::from_uuid(Uuid::from_u128(1))),
        ErrorCode::DailyMessageLimitReached => error.limit(100, 100).reset_at(Timestamp::from_millis(MIDNIGHT_MS)),
        ErrorCode::SessionLimitReached => error.limit(1, 1),
        ErrorCode::MissingRequiredParameter => error.field("name"),
        ErrorCode::InvalidParameterType => error.field("name").reason("a string is expected"),
        ErrorCode::InvalidRequest => error.field("name").reason("the name is empty"),
        ErrorCode::RateLimitExceeded
        | ErrorCode::ConcurrentRequestLimitExceeded
        | ErrorCode::ServiceUnavailable
        | ErrorCode::IdempotencyKeyInUse => error.retry_after(1),
        _ => error,
    }
}
