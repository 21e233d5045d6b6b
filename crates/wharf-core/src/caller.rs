//! Who is calling: an account, through one of its keys.

use std::time::Duration;

use tokio::time::Instant;
use wharf_api::ids::{AccountId, KeyId, SessionId};
use wharf_api::ops::Access;
use wharf_api::{ApiError, ErrorCode, Permission, Timestamp, limits};

use crate::store::{KeyWithAccount, Plan};

/// A request's caller, after its key was found good.
#[derive(Clone, Debug)]
pub struct Caller {
    pub account: AccountId,
    pub plan: Plan,
    pub key: KeyId,
    pub permissions: Vec<Permission>,
    /// The only sessions that the key may use; all of the account's where `None`.
    pub sessions: Option<Vec<SessionId>>,
    pub operator: bool,
    /// When the key ends.
    pub expires_at: Option<Timestamp>,
    /// After this moment nothing is sent for it any more: it is about to be told that it took too long.
    pub sends_until: Option<Instant>,
    /// How long it waits for WhatsApp's word on what it sends; [`limits::SEND_WAIT_MS`] from the sending on where `None`.
    pub answer_by: Option<Instant>,
}

impl Caller {
    pub fn from_key(found: &KeyWithAccount) -> Self {
        Self {
            account: found.account.id.clone(),
            plan: found.account.plan.clone(),
            key: found.key.id.clone(),
            permissions: found.key.permissions.clone(),
            sessions: found.key.sessions.clone(),
            operator: found.key.operator,
            expires_at: found.key.expires_at,
            sends_until: None,
            answer_by: None,
        }
    }

    /// Whether it is too late to send something for it.
    pub fn is_late(&self) -> bool {
        self.sends_until.is_some_and(|until| until <= Instant::now())
    }

    /// How long it still waits for WhatsApp's word.
    pub fn patience(&self) -> Duration {
        self.answer_by.map_or(Duration::from_millis(limits::SEND_WAIT_MS), |by| by.saturating_duration_since(Instant::now()))
    }

    /// The work's result, or `None` where it takes so long that nothing may be sent any more; the work is dropped then.
    pub async fn in_time<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        match self.sends_until {
            Some(until) => tokio::time::timeout_at(until, work).await.ok(),
            None => Some(work.await),
        }
    }

    /// Refuses a caller whose key lacks what the operation asks for.
    pub fn may_call(&self, access: Access) -> Result<(), ApiError> {
        match access {
            Access::Open => Ok(()),
            Access::Key(permission) => self.require(permission),
            Access::Operator if self.operator => Ok(()),
            Access::Operator => Err(ApiError::new(ErrorCode::InsufficientPermissions).reason("an operator's key is needed")),
        }
    }

    fn require(&self, permission: Permission) -> Result<(), ApiError> {
        if self.permissions.contains(&permission) {
            return Ok(());
        }
        Err(ApiError::new(ErrorCode::InsufficientPermissions).reason(format!("the key lacks the permission {}", permission.as_str())))
    }

    /// Whether the key may use this session, if the account has it.
    pub fn may_use(&self, session: &SessionId) -> bool {
        self.sessions.as_ref().is_none_or(|bound| bound.contains(session))
    }
}
