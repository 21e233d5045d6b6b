//! Who is calling: an account, through one of its keys or somebody who is signed in.

mod grant;

use std::time::Duration;

use tokio::time::Instant;
use wharf_api::ids::{AccountId, KeyId, LoginId, SessionId, UserId};
use wharf_api::ops::Access;
use wharf_api::types::user::Role;
use wharf_api::{ApiError, ErrorCode, Permission, Timestamp, limits};

use crate::store::{AccountRow, KeyWithAccount, LoginWithUser, Plan};

pub use grant::{Grant, Maker};

/// Nobody acts in the account, until an operator lifts that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the account is suspended: ask the operator of this server, who can lift that; sessions, messages and keys are kept")]
pub struct Suspended;

impl From<&Suspended> for ApiError {
    fn from(suspended: &Suspended) -> Self {
        Self::new(ErrorCode::InsufficientPermissions).reason(suspended.to_string())
    }
}

/// Refuses everybody of an account that is suspended, operators too. Whoever is not shown to be of the account is not told of it.
pub(crate) fn require_active(account: &AccountRow) -> Result<(), Suspended> {
    if account.suspended_at.is_none() { Ok(()) } else { Err(Suspended) }
}

/// What a caller showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    Key(KeyId),
    Login {
        id: LoginId,
        user: UserId,
    },
    /// A token for the events of one session, which a key or a log-in made.
    Stream(Box<Grant>),
}

impl By {
    /// The key, also where what it made was shown.
    pub fn key(&self) -> Option<&KeyId> {
        match self {
            Self::Key(id) => Some(id),
            Self::Login { .. } => None,
            Self::Stream(grant) => match &grant.of {
                Maker::Key(id) => Some(id),
                Maker::Login(_) => None,
            },
        }
    }

    /// The log-in and its user. Nobody is signed in by what a log-in made.
    pub fn login(&self) -> Option<(&LoginId, &UserId)> {
        if let Self::Login { id, user } = self { Some((id, user)) } else { None }
    }

    /// What the token says, where one was shown.
    pub fn grant(&self) -> Option<&Grant> {
        if let Self::Stream(grant) = self { Some(grant) } else { None }
    }
}

/// As the log names it.
impl std::fmt::Display for By {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Key(id) => id.fmt(f),
            Self::Login { id, .. } => id.fmt(f),
            Self::Stream(grant) => grant.of.fmt(f),
        }
    }
}

/// A request's caller, after its key was found good, or its log-in, which is as a key with its role's permissions.
#[derive(Clone, Debug)]
pub struct Caller {
    pub account: AccountId,
    pub plan: Plan,
    pub by: By,
    pub permissions: Vec<Permission>,
    /// The only sessions that the key may use; all of the account's where `None`.
    pub sessions: Option<Vec<SessionId>>,
    pub operator: bool,
    /// When the key ends.
    pub expires_at: Option<Timestamp>,
    /// After this moment nothing is sent for it any more: it is about to be told that it took too long.
    pub sends_until: Option<Instant>,
    /// How long it waits for WhatsApp's word on what it sends; [`limits::SEND_WAIT`] from the sending on where `None`.
    pub answer_by: Option<Instant>,
}

impl Caller {
    pub fn from_key(found: &KeyWithAccount) -> Self {
        Self {
            account: found.account.id.clone(),
            plan: found.account.plan.clone(),
            by: By::Key(found.key.id.clone()),
            permissions: found.key.permissions.clone(),
            sessions: found.key.sessions.clone(),
            operator: found.key.operator,
            expires_at: found.key.expires_at,
            sends_until: None,
            answer_by: None,
        }
    }

    pub fn from_login(found: &LoginWithUser) -> Self {
        Self {
            account: found.account.id.clone(),
            plan: found.account.plan.clone(),
            by: By::Login { id: found.login.id.clone(), user: found.user.id.clone() },
            permissions: found.user.role.permissions(),
            sessions: None,
            operator: found.user.role == Role::Operator,
            // What somebody makes who is signed in does not end with the log-in.
            expires_at: None,
            sends_until: None,
            answer_by: None,
        }
    }

    /// What is refused it, in words.
    fn word(&self) -> &'static str {
        if self.by.key().is_some() { "key" } else { "log-in" }
    }

    /// Whether it is too late to send something for it.
    pub fn is_late(&self) -> bool {
        self.sends_until.is_some_and(|until| until <= Instant::now())
    }

    /// How long it still waits for WhatsApp's word.
    pub fn patience(&self) -> Duration {
        self.answer_by.map_or(limits::SEND_WAIT, |by| by.saturating_duration_since(Instant::now()))
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
            Access::Login if self.by.login().is_some() => Ok(()),
            Access::Login => {
                Err(ApiError::new(ErrorCode::InsufficientPermissions).reason("this is for people who are signed in, not for keys"))
            }
        }
    }

    fn require(&self, permission: Permission) -> Result<(), ApiError> {
        if self.permissions.contains(&permission) {
            return Ok(());
        }
        Err(ApiError::new(ErrorCode::InsufficientPermissions).reason(format!(
            "the {} lacks the permission {}",
            self.word(),
            permission.as_str()
        )))
    }

    /// Whether the key may use this session, if the account has it.
    pub fn may_use(&self, session: &SessionId) -> bool {
        self.sessions.as_ref().is_none_or(|bound| bound.contains(session))
    }
}

#[cfg(test)]
mod tests;
