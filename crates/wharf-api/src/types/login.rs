//! Log-ins on the wire.

use serde::{Deserialize, Serialize};

use super::user::User;
use crate::ids::LoginId;
use crate::{Permission, Timestamp};

/// `POST /v1/login`: a name and a password, or the token of a link.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateLogin {
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub password: Option<String>,
    /// What stands in a link that signs in by itself, once.
    #[serde(default)]
    pub token: Option<String>,
}

/// `PUT /v1/login/password`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetPassword {
    /// The one that holds.
    pub password: String,
    /// The next one, 12 to 128 characters.
    pub new_password: String,
}

/// Who is signed in, and what that allows. The cookie itself is in no body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Login {
    pub login_id: LoginId,
    pub user: User,
    pub permissions: Vec<Permission>,
    pub created_at: Timestamp,
    /// When it ends in any case; earlier after twelve hours without a request.
    pub expires_at: Timestamp,
}

/// One of the own log-ins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoginEntry {
    pub login_id: LoginId,
    pub created_at: Timestamp,
    /// About a minute behind.
    pub last_seen_at: Timestamp,
    pub expires_at: Timestamp,
    /// Where it came from.
    pub address: String,
    /// What the browser called itself.
    pub user_agent: String,
    /// Whether it is the one that asks.
    pub current: bool,
}
