//! What the failures of all nouns say to whoever caused them.

use wharf_api::error::Retry;
use wharf_api::types::session::{DisconnectReason, SessionStatus, WaitingFor};
use wharf_api::{ApiError, ErrorCode, Timestamp};

use crate::limit::{Refused, Standing};
use crate::{engine, idempotency, key, message, session, store};

fn away() -> store::Error {
    store::Error::Unavailable("away".into())
}

/// Failures of the ports, with their codes and the seconds after which it is worth asking again.
fn of_ports() -> Vec<(ApiError, ErrorCode, Option<u64>)> {
    use ErrorCode::{Conflict, InternalServerError, QrCodeExpired, ResourceNotFound, ServiceUnavailable, SessionNotConnected};
    let engine = |error: engine::Error| ApiError::from(&error);
    vec![
        (ApiError::from(&away()), ServiceUnavailable, Some(1)),
        (ApiError::from(&store::Error::Fenced), ServiceUnavailable, Some(2)),
        (ApiError::from(&store::Error::Corrupt("x".into())), InternalServerError, None),
        (ApiError::from(&store::Error::Refused("x".into())), InternalServerError, None),
        (engine(engine::Error::NotConnected), SessionNotConnected, None),
        (engine(engine::Error::Conflict("x")), Conflict, None),
        (engine(engine::Error::NotFound), ResourceNotFound, None),
        (engine(engine::Error::Expired), QrCodeExpired, None),
        (engine(engine::Error::Throttled { retry_after_secs: Some(7) }), ServiceUnavailable, Some(7)),
        (engine(engine::Error::Throttled { retry_after_secs: None }), ServiceUnavailable, Some(60)),
        (engine(engine::Error::Later { reason: "x", retry_after_secs: 3 }), ServiceUnavailable, Some(3)),
        (engine(engine::Error::Timeout), ServiceUnavailable, Some(5)),
        (engine(engine::Error::Refused("x".into())), ServiceUnavailable, Some(60)),
        (engine(engine::Error::Closing), ServiceUnavailable, Some(1)),
        (engine(engine::Error::Garbled), InternalServerError, None),
        (engine(engine::Error::Store(away())), ServiceUnavailable, Some(1)),
    ]
}

/// Failures of sessions, messages, keys and limits, in the same words.
fn of_rules() -> Vec<(ApiError, ErrorCode, Option<u64>)> {
    use ErrorCode::{
        ConcurrentRequestLimitExceeded, DailyMessageLimitReached, ExpiredApiKey, IdempotencyKeyInUse, IdempotencyKeyReused, InvalidApiKey,
        MessageSendingFailed, MissingApiKey, RateLimitExceeded, ServiceUnavailable, SessionDisconnected, SessionNotConnected,
        SessionNotFound, UnsupportedOperation,
    };
    let session = |error: session::Error| ApiError::from(&error);
    let message = |error: message::Error| ApiError::from(&error);
    let now = Timestamp::from_millis(0);
    let standing = Standing { limit: 60, remaining: 0, reset_at: now };
    vec![
        (session(session::Error::NotFound), SessionNotFound, None),
        (session(session::Error::NotConnected { status: SessionStatus::Qr, waiting: None }), SessionNotConnected, None),
        (session(session::Error::Waiting { waiting: WaitingFor::Pause, retry_after_secs: 60 }), ServiceUnavailable, Some(60)),
        (session(session::Error::Waiting { waiting: WaitingFor::Overload, retry_after_secs: 0 }), ServiceUnavailable, Some(1)),
        (session(session::Error::Moving), ServiceUnavailable, Some(1)),
        (session(session::Error::Disconnected { reason: Some(DisconnectReason::Banned) }), SessionDisconnected, None),
        (session(session::Error::ClaimedBefore), IdempotencyKeyInUse, Some(1)),
        (message(message::Error::ClaimedBefore), IdempotencyKeyInUse, Some(1)),
        (message(message::Error::TooLate), ServiceUnavailable, Some(5)),
        (message(message::Error::DailyLimit { limit: 10, used: 10, reset_at: now }), DailyMessageLimitReached, None),
        (message(message::Error::Unsupported("x")), UnsupportedOperation, None),
        (message(message::Error::Failed { id: crate::samples::message(1), reason: "x".into() }), MessageSendingFailed, None),
        (message(message::Error::Session(session::Error::Engine(engine::Error::Store(away())))), ServiceUnavailable, Some(1)),
        (ApiError::from(&idempotency::Error::Reused), IdempotencyKeyReused, None),
        (ApiError::from(&idempotency::Error::InUse), IdempotencyKeyInUse, Some(1)),
        (ApiError::from(&key::Error::Missing), MissingApiKey, None),
        (ApiError::from(&key::Error::Invalid), InvalidApiKey, None),
        (ApiError::from(&key::Error::Expired), ExpiredApiKey, None),
        (Refused::Rate { retry_after: 61 }.error(&standing), RateLimitExceeded, Some(61)),
        (Refused::Concurrency { limit: 10 }.error(&standing), ConcurrentRequestLimitExceeded, Some(1)),
    ]
}

#[test]
fn each_failure_has_its_code_and_says_when_it_is_worth_asking_again() {
    for (error, code, seconds) in of_ports().into_iter().chain(of_rules()) {
        assert_eq!((error.code, error.details.retry_after), (code, seconds), "{error:?}");
    }
}

/// The catalogue promises it by code: clients wait as it says.
#[test]
fn what_the_catalogue_says_of_trying_again_stands_in_the_answer() {
    for (error, code, _) in of_ports().into_iter().chain(of_rules()) {
        match code.row().retry {
            Retry::After => assert!(error.details.retry_after.is_some_and(|seconds| seconds > 0), "{error:?}"),
            Retry::NextDay => assert!(error.details.reset_at.is_some(), "{error:?}"),
            Retry::No | Retry::OnceConnected => assert_eq!(error.details.retry_after, None, "{error:?}"),
            Retry::Soon => {}
        }
    }
}

#[test]
fn a_refusal_at_a_limit_tells_the_limit_and_what_would_have_been() {
    let standing = Standing { limit: 60, remaining: 0, reset_at: Timestamp::from_millis(0) };
    let bounds = |error: ApiError| (error.details.limit, error.details.actual);
    assert_eq!(bounds(Refused::Rate { retry_after: 1 }.error(&standing)), (Some(60), Some(61)));
    assert_eq!(bounds(Refused::Concurrency { limit: 10 }.error(&standing)), (Some(10), Some(11)));
    let sessions = session::Error::LimitReached { limit: 3, sessions: 3 };
    assert_eq!(bounds(ApiError::from(&sessions)), (Some(3), Some(3)));
}

#[test]
fn what_nobody_may_know_stands_in_no_answer() {
    for secret in [
        ApiError::from(&store::Error::Corrupt("15550000001".into())),
        ApiError::from(&store::Error::Refused("15550000001".into())),
        ApiError::from(&store::Error::Unavailable("15550000001".into())),
        ApiError::from(&engine::Error::Refused("15550000001".into())),
        ApiError::from(&engine::Error::Store(store::Error::Corrupt("15550000001".into()))),
    ] {
        assert!(!format!("{secret:?}").contains("15550000001"), "{secret:?}");
    }
}
