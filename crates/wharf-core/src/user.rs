//! Users: who may sign in to an account, as what.
//!
//! Nobody gives away more than they may do themselves, and an account neither sees nor touches an operator.

use wharf_api::ids::{AccountId, UserId};
use wharf_api::types::user::{Role, User};
use wharf_api::{ApiError, ErrorCode, limits};

use crate::caller::Caller;
use crate::login::{self, Weak};
use crate::services::Services;
use crate::settle::settled;
use crate::store::{self, Page, PageRequest, UserRow};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("a name has 1 to {} letters from a to z, digits and . _ - @ +", limits::USER_NAME_CHARS)]
    Name,
    #[error("somebody has that name")]
    Taken,
    #[error("no such user")]
    NotFound,
    #[error("no such account")]
    NoSuchAccount,
    #[error("the own user is deleted, and its role changed, by somebody else")]
    Own,
    #[error("a caller cannot give {0}")]
    BeyondCaller(&'static str),
    #[error(transparent)]
    Weak(#[from] Weak),
    #[error(transparent)]
    Login(#[from] login::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<&Error> for ApiError {
    fn from(error: &Error) -> Self {
        match error {
            Error::Name => ApiError::new(ErrorCode::InvalidRequest).field("name").reason(error.to_string()),
            Error::Taken => ApiError::new(ErrorCode::Conflict).field("name").reason(error.to_string()),
            Error::NotFound => ErrorCode::ResourceNotFound.into(),
            Error::NoSuchAccount => ApiError::new(ErrorCode::ResourceNotFound).field("accountId"),
            Error::Own => ApiError::new(ErrorCode::Conflict).reason(error.to_string()),
            Error::BeyondCaller(_) => ApiError::new(ErrorCode::InsufficientPermissions).reason(error.to_string()),
            Error::Weak(weak) => ApiError::new(ErrorCode::InvalidRequest).field("password").reason(weak.to_string()),
            Error::Login(error) => error.into(),
            Error::Store(error) => error.into(),
        }
    }
}

impl From<&UserRow> for User {
    fn from(row: &UserRow) -> Self {
        Self {
            user_id: row.id.clone(),
            name: row.name.clone(),
            role: row.role,
            account_id: row.account.clone(),
            created_at: row.created_at,
            last_login_at: row.last_login_at,
        }
    }
}

/// What a new user is to be.
#[derive(Clone)]
pub struct NewUser {
    pub account: AccountId,
    pub name: String,
    pub password: String,
    pub role: Role,
}

/// How far a caller reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The own account.
    Own,
    /// All, for operators.
    All,
}

/// The name as it is stored.
pub fn name(text: &str) -> Result<String, Error> {
    let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'@' | b'+');
    if (1..=limits::USER_NAME_CHARS).contains(&text.len()) && text.bytes().all(good) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(Error::Name)
    }
}

/// Makes a user, whoever asks.
pub async fn create(services: &Services, new: NewUser) -> Result<UserRow, Error> {
    let name = name(&new.name)?;
    login::check(&new.password, &name)?;
    if services.store.find_account(&new.account).await?.is_none_or(|account| account.deleting_at.is_some()) {
        return Err(Error::NoSuchAccount);
    }
    if services.store.find_user_named(&name).await?.is_some() {
        return Err(Error::Taken);
    }
    let row = UserRow {
        id: services.chance.user_id(),
        account: new.account,
        name,
        role: new.role,
        password: login::hash(services, &new.password).await?,
        created_at: services.clock.now(),
        last_login_at: None,
    };
    let there = || async { Ok(services.store.find_user(None, &row.id).await?.map(|_| true)) };
    if settled(services.store.insert_user(&row), there).await? { Ok(row) } else { Err(Error::Taken) }
}

/// Makes a user for a caller.
pub async fn create_for(services: &Services, caller: &Caller, reach: Reach, new: NewUser) -> Result<UserRow, Error> {
    may_give(caller, reach, new.role)?;
    create(services, new).await
}

pub async fn find(services: &Services, caller: &Caller, reach: Reach, id: &UserId) -> Result<UserRow, Error> {
    let account = (reach == Reach::Own).then_some(&caller.account);
    let row = services.store.find_user(account, id).await?;
    row.filter(|row| row.role != Role::Operator || caller.operator).ok_or(Error::NotFound)
}

/// `account` narrows what an operator sees.
pub async fn list(
    services: &Services,
    caller: &Caller,
    reach: Reach,
    account: Option<&AccountId>,
    page: PageRequest,
) -> Result<Page<UserRow>, Error> {
    let account = if reach == Reach::Own { Some(&caller.account) } else { account };
    Ok(services.store.list_users(account, caller.operator, page).await?)
}

/// Changes what is given; either ends the user's log-ins, but for the own one.
pub async fn update(
    services: &Services,
    caller: &Caller,
    reach: Reach,
    id: &UserId,
    role: Option<Role>,
    password: Option<&str>,
) -> Result<UserRow, Error> {
    let row = find(services, caller, reach, id).await?;
    let role = role.filter(|role| *role != row.role);
    may_give(caller, reach, row.role)?;
    if let Some(role) = role {
        may_give(caller, reach, role)?;
        not_own(caller, id)?;
    }
    let mut hashed = None;
    if let Some(password) = password {
        // The own password is changed by whoever knows it.
        not_own(caller, id)?;
        login::check(password, &row.name)?;
        hashed = Some(login::hash(services, password).await?);
    }
    let row = services.store.update_user(id, role, hashed.as_deref(), None).await?.ok_or(Error::NotFound)?;
    login::look_again(services).await;
    Ok(row)
}

/// Gives a user another password, whoever asks, and ends its log-ins.
pub async fn set_password(services: &Services, row: &UserRow, password: &str) -> Result<UserRow, Error> {
    login::check(password, &row.name)?;
    let hashed = login::hash(services, password).await?;
    let row = services.store.update_user(&row.id, None, Some(&hashed), None).await?.ok_or(Error::NotFound)?;
    login::look_again(services).await;
    Ok(row)
}

pub async fn delete(services: &Services, caller: &Caller, reach: Reach, id: &UserId) -> Result<UserRow, Error> {
    let row = find(services, caller, reach, id).await?;
    may_give(caller, reach, row.role)?;
    not_own(caller, id)?;
    if !services.store.delete_user(id).await? {
        return Err(Error::NotFound);
    }
    login::look_again(services).await;
    Ok(row)
}

fn not_own(caller: &Caller, id: &UserId) -> Result<(), Error> {
    if caller.by.login().is_some_and(|(_, own)| own == id) { Err(Error::Own) } else { Ok(()) }
}

/// Refuses what a caller cannot give away, and whom it cannot touch, because it may less itself.
fn may_give(caller: &Caller, reach: Reach, role: Role) -> Result<(), Error> {
    if reach == Reach::All {
        return Ok(());
    }
    if role == Role::Operator {
        return Err(Error::BeyondCaller("an operator's rights: that is an operation of /v1/admin"));
    }
    if role.permissions().iter().any(|permission| !caller.permissions.contains(permission)) {
        return Err(Error::BeyondCaller("a permission that it lacks itself"));
    }
    if caller.sessions.is_some() {
        return Err(Error::BeyondCaller("more sessions than it is bound to itself"));
    }
    // Whoever ends cannot make what goes on.
    if caller.expires_at.is_some() {
        return Err(Error::BeyondCaller("a longer life than it has itself"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_in_any_case_and_has_no_letters_that_look_like_others() {
        assert_eq!(name("Ada.L+x@Example.com").unwrap(), "ada.l+x@example.com");
        for bad in ["", "a b", "аda", "a/b", "a\nb", &"x".repeat(65)] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
    }
}
