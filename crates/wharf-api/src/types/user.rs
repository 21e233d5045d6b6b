//! Users on the wire.

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, UserId};
use crate::{Permission, Timestamp};

/// What a user may do, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// All, and the operator's own operations.
    Operator,
    /// All in the account.
    Owner,
    /// All but who else may what.
    Member,
    /// Looks, and changes nothing.
    ReadOnly,
}

impl Role {
    pub const ALL: &'static [Self] = &[Self::Operator, Self::Owner, Self::Member, Self::ReadOnly];
    /// Those that an account gives by itself.
    pub const OF_ACCOUNT: &'static [Self] = &[Self::Owner, Self::Member, Self::ReadOnly];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Owner => "owner",
            Self::Member => "member",
            Self::ReadOnly => "read_only",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.as_str() == text)
    }

    /// The permissions that a log-in of this role has, as a key would.
    pub fn permissions(self) -> Vec<Permission> {
        let has = |permission: &&Permission| match self {
            Self::Operator | Self::Owner => true,
            Self::Member => !matches!(permission, Permission::KeysManage | Permission::UsersManage),
            Self::ReadOnly => permission.as_str().ends_with(":read"),
        };
        Permission::ALL.iter().filter(has).copied().collect()
    }
}

/// A user as lists and look-ups show it: never the password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    pub user_id: UserId,
    /// What it signs in with, in lower case.
    pub name: String,
    pub role: Role,
    pub account_id: AccountId,
    pub created_at: Timestamp,
    /// When it signed in last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_login_at: Option<Timestamp>,
}

/// `POST /v1/users`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateUser {
    /// What it signs in with: 1 to 64 letters, digits and `.`, `_`, `-`, `@`, `+`, in any case; one of a kind on the whole gateway.
    pub name: String,
    /// 12 to 128 characters.
    pub password: String,
    /// `owner`, `member` or `read_only`.
    pub role: String,
}

/// `POST /v1/admin/users`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdminCreateUser {
    /// The account that it belongs to, an operator too.
    pub account_id: String,
    pub name: String,
    pub password: String,
    /// Also `operator`.
    pub role: String,
}

/// `PATCH /v1/users/{userId}`, and the operator's. What is absent stays.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateUser {
    #[serde(default)]
    pub role: Option<String>,
    /// A new password; it ends the user's log-ins.
    #[serde(default)]
    pub password: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_less_than_the_one_before_it_and_reading_changes_nothing() {
        let of = |role: Role| role.permissions();
        assert_eq!(of(Role::Owner), Permission::ALL);
        assert_eq!(of(Role::Operator), Permission::ALL);
        let member = of(Role::Member);
        assert!(!member.contains(&Permission::KeysManage) && !member.contains(&Permission::UsersManage));
        assert!(member.len() == Permission::ALL.len() - 2);
        let read_only = of(Role::ReadOnly);
        assert!(read_only.iter().all(|permission| member.contains(permission)));
        assert!(read_only.contains(&Permission::MessagesRead) && !read_only.contains(&Permission::WebhooksManage));
    }
}
