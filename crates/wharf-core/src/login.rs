//! Log-ins: how somebody signs in, how a cookie is told from a stranger's, how a log-in ends.
//!
//! A cookie is 256 bits in base 62, of which only the SHA-256 is stored. Signing in costs the same time and says the same words for a name
//! that nobody has as for a wrong password, and tries are counted before they are made.

pub(crate) mod doors;
mod hasher;
mod knock;
mod password;
mod turns;

use std::net::IpAddr;
use std::time::Duration;

use sha2::{Digest, Sha256};
use wharf_api::ids::{LoginId, UserId};
use wharf_api::types::audit::Actor;
use wharf_api::types::login as wire;
use wharf_api::types::user::Role;
use wharf_api::{ApiError, ErrorCode, Timestamp, limits, ops};

pub use doors::{Doors, Tried};
pub use password::Weak;
pub(crate) use password::{check, hash};

use crate::audit;
use crate::caller::{Caller, Suspended, require_active};
use crate::others::{self, News};
use crate::services::Services;
use crate::settle::settled;
use crate::store::{self, AuditRow, LoginRow, LoginWithUser, UserRow};

const SECRET_LEN: usize = 43;
/// How often it is written that a log-in was seen.
const SEEN_EVERY: Duration = Duration::from_mins(1);
/// For how long whoever waits or streams is believed to be still signed in, unless this node ended the log-in.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How many letters of a browser's name are kept.
const USER_AGENT_CHARS: usize = 200;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the name or the password is wrong")]
    Wrong,
    #[error("the link was used, is over, or never was")]
    NoSuchLink,
    #[error("a link signs in on the machine itself only")]
    NotHere,
    #[error("nobody is signed in by this cookie")]
    Unknown,
    #[error("the log-in is over")]
    Over,
    #[error(transparent)]
    Suspended(#[from] Suspended),
    #[error("the password that holds is another one")]
    WrongPassword,
    #[error("no such log-in")]
    NotFound,
    #[error("too many passwords are looked at")]
    Busy,
    #[error("{0}")]
    Throttled(ApiError),
    #[error(transparent)]
    Weak(#[from] Weak),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<turns::Busy> for Error {
    fn from(_: turns::Busy) -> Self {
        Self::Busy
    }
}

impl From<&Error> for ApiError {
    fn from(error: &Error) -> Self {
        match error {
            Error::Wrong | Error::NoSuchLink => ApiError::new(ErrorCode::InvalidApiKey).reason(error.to_string()),
            Error::Unknown => ApiError::new(ErrorCode::InvalidApiKey).reason("nobody is signed in by this cookie: sign in again"),
            Error::Over => ApiError::new(ErrorCode::ExpiredApiKey).reason("the log-in is over: sign in again"),
            Error::Suspended(suspended) => suspended.into(),
            Error::NotHere => ApiError::new(ErrorCode::InsufficientPermissions).field("token").reason(error.to_string()),
            Error::WrongPassword => ApiError::new(ErrorCode::InsufficientPermissions).field("password").reason(error.to_string()),
            Error::NotFound => ErrorCode::ResourceNotFound.into(),
            Error::Busy => ApiError::new(ErrorCode::ServiceUnavailable).reason(error.to_string()).retry_after(2),
            Error::Throttled(error) => error.clone(),
            Error::Weak(weak) => ApiError::new(ErrorCode::InvalidRequest).field("newPassword").reason(weak.to_string()),
            Error::Store(error) => error.into(),
        }
    }
}

/// A cookie's or a link's secret, on the one occasion that it is known in clear.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    fn generate(services: &Services) -> Self {
        Self(services.chance.base62(SECRET_LEN))
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }

    fn hash(text: &str) -> Option<Vec<u8>> {
        let well_formed = text.len() == SECRET_LEN && text.bytes().all(|b| b.is_ascii_alphanumeric());
        well_formed.then(|| Sha256::digest(text.as_bytes()).to_vec())
    }

    fn own_hash(&self) -> Vec<u8> {
        Sha256::digest(self.0.as_bytes()).to_vec()
    }
}

/// Where somebody signs in from.
#[derive(Clone, Debug)]
pub struct Origin {
    pub address: IpAddr,
    pub user_agent: String,
    /// Whether nothing stands between the machine and the browser on it.
    pub local: bool,
}

/// Signs somebody in by name and password. The secret is in the answer and nowhere else.
pub async fn sign_in(services: &Services, name: &str, password: &str, from: Origin) -> Result<(LoginWithName, Secret), Error> {
    let name = name.to_ascii_lowercase();
    let by_address = knock::address(services, from.address)?;
    let counted = knock::name(services, &name);
    let user = services.store.find_user_named(&name).await?;
    let by_name = match counted {
        Ok(counted) => Some(counted),
        // Whoever has the name locked from elsewhere does not lock out those who have signed in from where they are.
        Err(refusal) => {
            let known = match &user {
                Some(user) => services.store.list_logins(&user.id).await?.iter().any(|login| login.address == from.address.to_string()),
                None => false,
            };
            if !known {
                return Err(refusal);
            }
            None
        }
    };
    // The same work for a name that nobody has.
    let stored = user.as_ref().map_or(password::NOBODYS, |user| &user.password);
    let right = services.doors.turns.matches(stored, password).await?;
    let Some(user) = user.filter(|_| right) else {
        return Err(Error::Wrong);
    };
    services.doors.addresses.good(by_address);
    if let Some(by_name) = by_name {
        services.doors.names.good(by_name);
    }
    begin(services, user, from).await
}

/// Counts that nobody was let in, and writes it down: in the account's log where the name is somebody's, and counted with others otherwise.
/// Names that nobody has are not written down: they are often passwords.
pub async fn refused(services: &Services, name: Option<&str>, address: IpAddr, code: ErrorCode) {
    let logins = &services.meter.logins;
    let outcome = if code == ErrorCode::RateLimitExceeded { &logins.throttled } else { &logins.refused };
    outcome.one();
    let user = match name {
        Some(name) => services.store.find_user_named(&name.to_ascii_lowercase()).await.ok().flatten(),
        None => None,
    };
    let action = ops::create_login.id;
    match user {
        // Later, so that it takes no longer for a name that there is; and not for each try of a flood.
        Some(user) if code != ErrorCode::RateLimitExceeded => {
            let row = AuditRow { target: Some(user.id.to_string()), code: Some(code), ..row(services, &user, address) };
            services.trail.keep(&[AuditRow { actor: Actor::Nobody, user: None, ..row }]);
        }
        _ => services.trail.refused(address, code, action),
    }
}

/// Signs somebody in by the token of a link, which is used up. Whoever may not be let in now keeps it for as long as it is good.
pub async fn enter(services: &Services, token: &str, from: Origin) -> Result<(LoginWithName, Secret), Error> {
    let by_address = knock::address(services, from.address)?;
    if !from.local {
        return Err(Error::NotHere);
    }
    let (hash, now) = (Secret::hash(token).ok_or(Error::NoSuchLink)?, services.clock.now());
    let user = services.store.find_login_token(&hash, now).await?.ok_or(Error::NoSuchLink)?;
    services.doors.addresses.good(by_address);
    require_active_user(services, &user).await?;
    let user = services.store.take_login_token(&hash, now).await?.ok_or(Error::NoSuchLink)?;
    begin(services, user, from).await
}

/// Makes a link's token, which signs the user in once within [`limits::LOGIN_TOKEN`].
pub async fn make_token(services: &Services, user: &UserId) -> Result<Secret, Error> {
    let secret = Secret::generate(services);
    let end = services.clock.now() + limits::LOGIN_TOKEN;
    services.store.insert_login_token(&secret.own_hash(), user, end).await?;
    Ok(secret)
}

/// A log-in with the user whose it is.
#[derive(Clone, Debug)]
pub struct LoginWithName {
    pub login: LoginRow,
    pub user: UserRow,
}

impl From<&LoginWithName> for wire::Login {
    fn from(found: &LoginWithName) -> Self {
        Self {
            login_id: found.login.id.clone(),
            user: (&found.user).into(),
            permissions: found.user.role.permissions(),
            created_at: found.login.created_at,
            expires_at: found.login.expires_at,
        }
    }
}

async fn begin(services: &Services, user: UserRow, from: Origin) -> Result<(LoginWithName, Secret), Error> {
    require_active_user(services, &user).await?;
    let address = from.address;
    let (found, secret) = make(services, user, from).await?;
    services.meter.logins.accepted.one();
    audit::record(services, AuditRow { created: Some(found.login.id.to_string()), ..row(services, &found.user, address) }).await;
    Ok((found, secret))
}

/// Refuses the user of an account in which nobody may act.
async fn require_active_user(services: &Services, user: &UserRow) -> Result<(), Error> {
    let account = services.store.find_account(&user.account).await?.ok_or(Error::Unknown)?;
    Ok(require_active(&account)?)
}

/// A log-in with a secret of its own.
async fn make(services: &Services, user: UserRow, from: Origin) -> Result<(LoginWithName, Secret), Error> {
    let now = services.clock.now();
    let secret = Secret::generate(services);
    let login = LoginRow {
        id: services.chance.login_id(),
        user: user.id.clone(),
        secret_hash: secret.own_hash(),
        created_at: now,
        last_seen_at: now,
        expires_at: now + limits::LOGIN,
        address: from.address.to_string(),
        user_agent: from.user_agent.chars().take(USER_AGENT_CHARS).collect(),
    };
    let most = u32::try_from(limits::LOGINS).unwrap_or(u32::MAX);
    let there = || async { Ok(services.store.find_login_by_id(&login.id).await?.map(drop)) };
    settled(services.store.insert_login(&login, most), there).await?;
    let user = UserRow { last_login_at: Some(now), ..user };
    Ok((LoginWithName { login, user }, secret))
}

fn row(services: &Services, user: &UserRow, address: IpAddr) -> AuditRow {
    AuditRow {
        at: services.clock.now(),
        account: Some(user.account.clone()),
        actor: if user.role == Role::Operator { Actor::Operator } else { Actor::User },
        key: None,
        user: Some(user.id.clone()),
        address: Some(address.to_canonical().to_string()),
        action: ops::create_login.id.to_owned(),
        target: None,
        created: None,
        code: None,
        times: 1,
    }
}

/// The caller behind a cookie.
pub async fn authenticate(services: &Services, cookie: &str) -> Result<Caller, Error> {
    let hash = Secret::hash(cookie).ok_or(Error::Unknown)?;
    let found = services.store.find_login(&hash).await?;
    // One that was begun while its account's deletion began is none.
    let found: LoginWithUser = found.filter(|found| found.account.deleting_at.is_none()).ok_or(Error::Unknown)?;
    let now = services.clock.now();
    check_end(&found.login, now)?;
    require_active(&found.account)?;
    services.doors.remember(&found.login, services.clock.steady());
    if now >= found.login.last_seen_at + SEEN_EVERY
        && let Err(error) = services.store.touch_login(&found.login.id, now).await
    {
        tracing::warn!(%error, "it could not be written that a log-in was seen");
    }
    Ok(Caller::from_login(&found))
}

/// The caller behind a log-in whose cookie is not shown: something that it made stands for it.
pub(crate) async fn caller_of(services: &Services, id: &LoginId) -> Result<Caller, Error> {
    Ok(Caller::from_login(&look_up(services, id).await?))
}

/// The log-in with whose it is, if somebody may act by it at this moment.
async fn look_up(services: &Services, id: &LoginId) -> Result<LoginWithUser, Error> {
    let login = services.store.find_login_by_id(id).await?.ok_or(Error::Unknown)?;
    check_end(&login, services.clock.now())?;
    let user = services.store.find_user(None, &login.user).await?.ok_or(Error::Unknown)?;
    let account = services.store.find_account(&user.account).await?;
    let account = account.filter(|account| account.deleting_at.is_none()).ok_or(Error::Unknown)?;
    require_active(&account)?;
    Ok(LoginWithUser { login, user, account })
}

/// Whether the cookie was a good one when it came last to this process, which asks nobody.
pub fn was_good(services: &Services, cookie: &str) -> bool {
    Secret::hash(cookie).is_some_and(|hash| services.doors.good().values().any(|(known, _)| *known == hash))
}

/// Refuses a log-in that was good when its request came and has ended since, or whose account is suspended: at once on this node, within
/// five seconds on others.
pub async fn still_good(services: &Services, id: &LoginId) -> Result<(), Error> {
    let now = services.clock.steady();
    let fresh = |at: Timestamp| (at..at + LOOK_EVERY).contains(&now);
    if services.doors.good().get(id).is_some_and(|(_, at)| fresh(*at)) {
        return Ok(());
    }
    match look_up(services, id).await {
        Ok(found) => {
            services.doors.remember(&found.login, now);
            Ok(())
        }
        // The database is away: nothing is known, and nothing can be read either.
        Err(Error::Store(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

fn check_end(login: &LoginRow, now: Timestamp) -> Result<(), Error> {
    let idle_end = login.last_seen_at + limits::LOGIN_IDLE;
    if login.expires_at <= now || idle_end <= now { Err(Error::Over) } else { Ok(()) }
}

/// Who is signed in. Only log-ins may ask.
pub async fn current(services: &Services, caller: &Caller) -> Result<LoginWithName, Error> {
    let (id, user) = caller.by.login().ok_or(Error::Unknown)?;
    let login = services.store.find_login_by_id(id).await?.ok_or(Error::Unknown)?;
    let user = services.store.find_user(None, user).await?.ok_or(Error::Unknown)?;
    Ok(LoginWithName { login, user })
}

/// The caller's own log-ins that are not over, newest first.
pub async fn list(services: &Services, caller: &Caller) -> Result<Vec<wire::LoginEntry>, Error> {
    let (own, user) = caller.by.login().ok_or(Error::Unknown)?;
    let now = services.clock.now();
    let rows = services.store.list_logins(user).await?;
    Ok(rows.iter().filter(|row| check_end(row, now).is_ok()).map(|row| entry(row, own)).collect())
}

/// Ends one of the caller's own log-ins, this one too.
pub async fn end(services: &Services, caller: &Caller, id: &LoginId) -> Result<wire::LoginEntry, Error> {
    let (own, user) = caller.by.login().ok_or(Error::Unknown)?;
    services.doors.forget(id);
    let ended = services.store.delete_login(user, id).await?.ok_or(Error::NotFound)?;
    others::spread(services, News::LoginEnded(id.clone())).await;
    Ok(entry(&ended, own))
}

fn entry(row: &LoginRow, own: &LoginId) -> wire::LoginEntry {
    wire::LoginEntry {
        login_id: row.id.clone(),
        created_at: row.created_at,
        last_seen_at: row.last_seen_at,
        expires_at: row.expires_at,
        address: row.address.clone(),
        user_agent: row.user_agent.clone(),
        current: row.id == *own,
    }
}

/// Gives the caller another password, for whoever knows the one that holds, and ends all log-ins: also the own one, which whoever copied its
/// cookie would have still. Another takes its place.
pub async fn set_password(
    services: &Services,
    caller: &Caller,
    old: &str,
    new: &str,
    from: Origin,
) -> Result<(LoginWithName, Secret), Error> {
    let found = current(services, caller).await?;
    // Whoever sits down at somebody's browser guesses no faster than others.
    let by_name = knock::name(services, &found.user.name)?;
    check(new, &found.user.name)?;
    if !services.doors.turns.matches(&found.user.password, old).await? {
        return Err(Error::WrongPassword);
    }
    services.doors.names.good(by_name);
    let hashed = hash(services, new).await?;
    let user = services.store.update_user(&found.user.id, None, Some(&hashed), None).await?.ok_or(Error::Unknown)?;
    others::spread(services, News::LoginsChanged).await;
    make(services, user, from).await
}

/// Forgets who was let in: what was decided of them has changed.
pub(crate) async fn look_again(services: &Services) {
    others::spread(services, News::LoginsChanged).await;
}

/// Drops log-ins and tokens that are over.
pub async fn expire(services: &Services) -> Result<(), store::Error> {
    const BATCH: u32 = 200;
    let now = services.clock.now();
    let idle = now - limits::LOGIN_IDLE;
    while services.store.expire_logins(idle, now, BATCH).await? >= u64::from(BATCH) {}
    Ok(())
}
