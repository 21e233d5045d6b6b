//! What a request leaves in the audit log.

use std::net::IpAddr;

use wharf_api::ids::{AccountId, KeyId, SessionId, UserId};
use wharf_api::limits;
use wharf_api::ops::{Access, Operation};
use wharf_api::types::audit::Actor;
use wharf_core::store::AuditRow;
use wharf_core::{Caller, Services, audit};

use super::Answer;

/// One request of an operation that the log tells of.
pub(super) struct Trace {
    row: AuditRow,
    /// Whether the row is about an account that the request makes.
    elsewhere: bool,
}

impl Trace {
    /// `None` for operations that leave no row. `path` are the parts of the path that have names.
    pub fn of(operation: &Operation, caller: &Caller, peer: IpAddr, path: &[(&str, String)], services: &Services) -> Option<Self> {
        if !operation.audited() {
            return None;
        }
        let operator = operation.access == Access::Operator && caller.operator;
        // What an operator does to an account is in that account's log.
        let named = path.iter().find(|(name, _)| *name == "accountId").and_then(|(_, id)| AccountId::parse(id));
        let account = named.clone().filter(|_| operator).unwrap_or_else(|| caller.account.clone());
        let row = AuditRow {
            at: services.clock.now(),
            account: Some(account),
            actor: if operator { Actor::Operator } else { of(caller) },
            key: caller.by.key().cloned(),
            user: caller.by.login().map(|(_, user)| user.clone()),
            address: Some(peer.to_canonical().to_string()),
            action: operation.id.to_owned(),
            target: path.last().and_then(|(name, value)| target(name, value)),
            created: None,
            code: None,
            times: 1,
        };
        Some(Self { row, elsewhere: operator && named.is_none() })
    }

    /// Notes how the request was answered.
    pub fn note(&mut self, answer: &Answer) {
        match answer {
            Ok(reply) => {
                self.row.created = created(&reply.body).filter(|id| self.row.target.as_ref() != Some(id));
                let made = self.row.created.as_deref().and_then(AccountId::parse);
                if let Some(account) = made.filter(|_| self.elsewhere) {
                    self.row.account = Some(account);
                }
            }
            Err(failure) => self.row.code = Some(failure.error.code),
        }
    }

    pub async fn write(self, services: &Services) {
        audit::record(services, self.row).await;
    }
}

/// Who acts in an account.
fn of(caller: &Caller) -> Actor {
    if caller.by.key().is_some() { Actor::Key } else { Actor::User }
}

/// A part of the path as it may stand in the log: an id or a plan's name. Anything else could be a secret in the wrong place.
fn target(name: &str, value: &str) -> Option<String> {
    const KINDS: [&str; 7] = ["ses", "key", "acc", "whk", "usr", "lgn", "node"];
    let is_id = value.split_once('_').is_some_and(|(kind, rest)| {
        KINDS.contains(&kind) && (1..=32).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    let of_a_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    let is_plan = name == "name" && (1..=limits::PLAN_NAME_CHARS).contains(&value.len()) && value.bytes().all(of_a_name);
    (is_id || is_plan).then(|| value.to_owned())
}

/// The id of what an answer says was made: of the members that can name it, the first that is there.
fn created(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let id = ["keyId", "userId", "webhookId", "accountId", "sessionId"].iter().find_map(|name| body["data"][name].as_str())?;
    let known = KeyId::parse(id).is_some()
        || SessionId::parse(id).is_some()
        || AccountId::parse(id).is_some()
        || UserId::parse(id).is_some()
        || id.starts_with("whk_");
    known.then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_and_names_of_plans_come_into_the_log() {
        assert_eq!(target("keyId", "key_Ab3dEf9h").as_deref(), Some("key_Ab3dEf9h"));
        assert_eq!(target("name", "gold-plan").as_deref(), Some("gold-plan"));
        for secret in
            ["wharf_live_abcdefgh_0123456789", "wharf_live_A", "", "a b", "+15550001002", "ses_", &format!("ses_{}", "a".repeat(33))]
        {
            assert_eq!(target("keyId", secret), None, "{secret}");
        }
    }

    #[test]
    fn what_was_made_is_read_from_the_answer() {
        let of = |text: &str| created(text.as_bytes());
        assert_eq!(of(r#"{"data": {"keyId": "key_Ab3dEf9h", "apiKey": "secret"}}"#).as_deref(), Some("key_Ab3dEf9h"));
        assert_eq!(of(r#"{"data": {"name": "x"}}"#), None);
        assert_eq!(of("not JSON"), None);
    }
}
