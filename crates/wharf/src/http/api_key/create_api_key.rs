use wharf_api::ids::SessionId;
use wharf_api::types::key::CreateKey;
use wharf_api::{ApiError, Permission, limits};
use wharf_core::key::{self, NewKey};

use super::shown_once;
use crate::http::envelope::{Failure, invalid};
use crate::http::{Answer, Call, idempotency};

pub(in crate::http) async fn create_api_key(call: Call) -> Answer {
    let request: CreateKey = call.json()?;
    let permissions = permissions(&request.permissions)?;
    let sessions = sessions(request.session_ids.as_deref())?;
    let account = call.caller().account.clone();
    let new = NewKey { account, name: request.name.clone(), permissions, expires_at: request.expires_at, sessions, operator: false };
    let create = async { shown_once(key::create_for(call.services(), call.caller(), new).await?) };
    idempotency::beforehand(&call, &request, create).await
}

/// The sessions that a key is to be bound to.
pub(in crate::http) fn sessions(ids: Option<&[String]>) -> Result<Option<Vec<SessionId>>, Failure> {
    let Some(ids) = ids else { return Ok(None) };
    if ids.len() > limits::KEY_SESSIONS {
        let (max, actual) = (limits::KEY_SESSIONS as u64, ids.len() as u64);
        return Err(invalid(format!("at most {max} sessions are expected")).field("sessionIds").limit(max, actual).into());
    }
    let mut sessions = Vec::with_capacity(ids.len());
    for id in ids {
        let session = SessionId::parse(id).ok_or_else(|| key::Error::NoSuchSession(id.clone()))?;
        if !sessions.contains(&session) {
            sessions.push(session);
        }
    }
    Ok(Some(sessions))
}

pub(in crate::http) fn permissions(words: &[String]) -> Result<Vec<Permission>, ApiError> {
    if words.is_empty() {
        return Err(invalid("at least one permission is expected").field("permissions"));
    }
    let mut permissions = Vec::with_capacity(words.len());
    for (index, word) in words.iter().enumerate() {
        let unknown = || {
            let known: Vec<_> = Permission::ALL.iter().map(|permission| permission.as_str()).collect();
            invalid(format!("one of {} is expected", known.join(", "))).field(format!("permissions[{index}]"))
        };
        let permission = Permission::parse(word).ok_or_else(unknown)?;
        if !permissions.contains(&permission) {
            permissions.push(permission);
        }
    }
    Ok(permissions)
}
