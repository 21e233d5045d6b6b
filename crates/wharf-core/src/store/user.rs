//! Users and their log-ins as stored: of a password what argon2 made of it, of a cookie and of a link's token the SHA-256.

use async_trait::async_trait;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, LoginId, UserId};
use wharf_api::types::user::Role;

use super::{AccountRow, Error, Page, PageRequest};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    pub id: UserId,
    pub account: AccountId,
    /// In lower case, and one of a kind in the whole database.
    pub name: String,
    pub role: Role,
    /// As argon2 writes it, its cost and salt included.
    pub password: String,
    pub created_at: Timestamp,
    pub last_login_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginRow {
    pub id: LoginId,
    pub user: UserId,
    pub secret_hash: Vec<u8>,
    pub created_at: Timestamp,
    /// Written about once a minute.
    pub last_seen_at: Timestamp,
    pub expires_at: Timestamp,
    pub address: String,
    pub user_agent: String,
}

/// A log-in with its user and the user's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginWithUser {
    pub login: LoginRow,
    pub user: UserRow,
    pub account: AccountRow,
}

/// Where an account is given, users of other accounts are not there.
#[async_trait]
pub trait UserStore {
    /// `false` where somebody has the name.
    async fn insert_user(&self, user: &UserRow) -> Result<bool, Error>;

    async fn find_user(&self, account: Option<&AccountId>, id: &UserId) -> Result<Option<UserRow>, Error>;

    /// By the name alone, in lower case: this is how somebody signs in.
    async fn find_user_named(&self, name: &str) -> Result<Option<UserRow>, Error>;

    /// Oldest first; with operators or without.
    async fn list_users(&self, account: Option<&AccountId>, operators: bool, page: PageRequest) -> Result<Page<UserRow>, Error>;

    /// Changes what is given. With a new password, or another role, the user's log-ins end but for `keep`.
    async fn update_user(
        &self,
        id: &UserId,
        role: Option<Role>,
        password: Option<&str>,
        keep: Option<&LoginId>,
    ) -> Result<Option<UserRow>, Error>;

    /// Deletes a user with its log-ins and links.
    async fn delete_user(&self, id: &UserId) -> Result<bool, Error>;
}

#[async_trait]
pub trait LoginStore {
    /// Notes the user's log-in; of more than `most` the oldest end.
    async fn insert_login(&self, login: &LoginRow, most: u32) -> Result<(), Error>;

    async fn find_login(&self, secret_hash: &[u8]) -> Result<Option<LoginWithUser>, Error>;

    /// The log-in by its id, for whoever was let in a while ago.
    async fn find_login_by_id(&self, id: &LoginId) -> Result<Option<LoginRow>, Error>;

    /// Newest first, all of them.
    async fn list_logins(&self, user: &UserId) -> Result<Vec<LoginRow>, Error>;

    /// Writes when a log-in was seen; never back in time.
    async fn touch_login(&self, id: &LoginId, at: Timestamp) -> Result<(), Error>;

    /// Ends a log-in of the user; `None` where it is not there.
    async fn delete_login(&self, user: &UserId, id: &LoginId) -> Result<Option<LoginRow>, Error>;

    /// Drops log-ins that were last seen before `idle`, and log-ins and tokens that end before `now`: at most so many of each.
    async fn expire_logins(&self, idle: Timestamp, now: Timestamp, limit: u32) -> Result<u64, Error>;

    async fn insert_login_token(&self, secret_hash: &[u8], user: &UserId, expires_at: Timestamp) -> Result<(), Error>;

    /// Whose token it is, where it is good; it stays so.
    async fn find_login_token(&self, secret_hash: &[u8], now: Timestamp) -> Result<Option<UserRow>, Error>;

    /// Uses a token up; its user, where it was good until then.
    async fn take_login_token(&self, secret_hash: &[u8], now: Timestamp) -> Result<Option<UserRow>, Error>;
}
