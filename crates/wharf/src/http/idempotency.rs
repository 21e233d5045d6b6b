//! `Idempotency-Key`: runs a creating request once and gives its answer to every repeat.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use sha2::{Digest, Sha256};
use wharf_api::ids::SessionId;
use wharf_api::ops::Idempotency;
use wharf_api::{ApiError, ErrorCode, Permission, limits};
use wharf_core::idempotency::{self as core, Done, Ended, Key};
use wharf_core::store::{Answer as Stored, Claim};

use super::envelope::{self, Failure, Reply, invalid};
use super::query::EMPTY;
use super::{Answer, Call, placeholder};

const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
pub(super) const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// What some clients call it.
const OTHER_NAMES: [&str; 2] = ["X-Idempotency-Key", "Idempotency-Token"];
/// Whose answers show a secret: they are for the key that asked, and for no other.
const SHOW_SECRETS: &[&str] = &["create_api_key", "rotate_api_key", "admin_create_api_key", "create_webhook", "rotate_webhook_secret"];

/// Runs `work`, which commits a claim with what it creates, unless a request with the same key ran before. `resume` answers from the present
/// state of what a first request created before its process died.
pub(super) async fn once(
    call: &Call,
    request: &impl Serialize,
    work: impl AsyncFnOnce(Option<Claim>) -> Answer,
    resume: impl AsyncFnOnce(String) -> Answer,
) -> Answer {
    debug_assert_eq!(call.operation.idempotency, Idempotency::WithCommit, "{}", call.operation.id);
    let Some(key) = key(call, request)? else { return work(None).await };
    let work = async |claim| work(Some(claim)).await;
    shown(core::with_commit(call.services(), call.caller(), &key, work, resume, ended).await?)
}

/// Runs `work` unless a request with the same key ran before, where the key is taken before it.
pub(super) async fn beforehand(call: &Call, request: &impl Serialize, work: impl Future<Output = Answer>) -> Answer {
    debug_assert_eq!(call.operation.idempotency, Idempotency::Before, "{}", call.operation.id);
    let Some(key) = key(call, request)? else { return work.await };
    shown(core::beforehand(call.services(), call.caller(), &key, work, ended).await?)
}

/// What an answer means for its key. A failure that tells of a message stands on one.
fn ended(answer: &Answer) -> Ended {
    match answer {
        Ok(reply) => Ended::Made(Stored { status: reply.status.as_u16(), body: reply.body.to_vec() }),
        Err(failure) if failure.error.details.message_id.is_some() => {
            Ended::Made(Stored { status: failure.error.code.status(), body: envelope::body(&failure.error) })
        }
        Err(failure) if failure.error.code == ErrorCode::IdempotencyKeyInUse => Ended::Lost,
        Err(failure) if failure.may_have_happened => Ended::Unknown,
        Err(_) => Ended::Nothing,
    }
}

fn shown(done: Done<Answer>) -> Answer {
    match done {
        Done::Ran(answer) => answer,
        Done::Resumed(answer) => answer.map(replayed),
        Done::Again(stored) => replay(stored),
    }
}

/// The header with the hash of what it stands on, where there is one.
fn key(call: &Call, request: &impl Serialize) -> Result<Option<Key>, Failure> {
    let Some(value) = header(call)? else { return Ok(None) };
    // The parsed request, written again: spaces and the order of its members do not make it another one.
    let canonical = serde_json::to_vec(request).map_err(Failure::internal)?;
    let hash = Sha256::new().chain_update(call.operation.id).chain_update([0]).chain_update(canonical).chain_update(scope(call)).finalize();
    Ok(Some(Key { operation: call.operation.id, value: value.to_owned(), request_hash: hash.to_vec() }))
}

/// What of the caller's rights the answer depends on: who may do less, or other things, asks for something else and gets no answer of others.
fn scope(call: &Call) -> String {
    let caller = call.caller();
    let mut scope = String::new();
    if SHOW_SECRETS.contains(&call.operation.id) {
        scope = format!("\0key {}", caller.by);
    } else if !caller.permissions.contains(&Permission::WebhooksManage) && call.operation.id == "create_session" {
        // It may come with a webhook, whose secret is shown.
        scope.push_str("\0no webhooks");
    }
    if let Some(bound) = &caller.sessions {
        let bound: BTreeSet<&str> = bound.iter().map(SessionId::as_str).collect();
        scope.extend(["\0bound"].into_iter().chain(bound.into_iter().flat_map(|session| [" ", session])));
    }
    scope
}

/// The header, where the operation takes one.
pub(super) fn header(call: &Call) -> Result<Option<&str>, ApiError> {
    let mut values = call.headers.get_all(IDEMPOTENCY_KEY).iter();
    if !call.operation.idempotent() {
        return Ok(None);
    }
    let Some(value) = values.next() else {
        // Whoever wants one message must not get two because of a name.
        let other = OTHER_NAMES.into_iter().find(|name| call.headers.contains_key(*name));
        return other.map_or(Ok(None), |name| Err(invalid("the header is called Idempotency-Key").field(name)));
    };
    if values.next().is_some() {
        return Err(invalid("the header stands there more than once").field(IDEMPOTENCY_KEY));
    }
    let value = value.to_str().ok().filter(|value| is_good(value)).ok_or_else(|| malformed(value))?;
    if placeholder::is(value) {
        let reason = "this is a placeholder: every request would have the same key, and only the first would be done";
        return Err(invalid(reason).field(IDEMPOTENCY_KEY));
    }
    Ok(Some(value))
}

fn is_good(value: &str) -> bool {
    (1..=limits::IDEMPOTENCY_KEY_BYTES).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_graphic())
}

fn malformed(value: &http::HeaderValue) -> ApiError {
    if value.is_empty() {
        return invalid(EMPTY).field(IDEMPOTENCY_KEY);
    }
    invalid(format!("1 to {} visible ASCII characters are expected", limits::IDEMPOTENCY_KEY_BYTES)).field(IDEMPOTENCY_KEY)
}

fn replay(stored: Stored) -> Answer {
    let status = StatusCode::from_u16(stored.status).map_err(Failure::internal)?;
    let code = if status.is_success() { None } else { envelope::code(&stored.body) };
    Ok(replayed(Reply { status, headers: Vec::new(), body: Bytes::from(stored.body), stream: None, code }.no_store()))
}

fn replayed(mut reply: Reply) -> Reply {
    reply.headers.push((IDEMPOTENT_REPLAYED, HeaderValue::from_static("true")));
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_answers_show_a_secret_are_operations() {
        for id in SHOW_SECRETS.iter().chain(&["create_session"]) {
            assert!(wharf_api::ops::ALL.iter().any(|operation| operation.id == *id && operation.idempotent()), "{id}");
        }
    }

    #[test]
    fn a_key_is_one_to_255_visible_characters() {
        assert!(is_good("a") && is_good(&"x".repeat(255)));
        for bad in ["", "a b", "é", &"x".repeat(256)] {
            assert!(!is_good(bad), "{bad:?}");
        }
    }
}
