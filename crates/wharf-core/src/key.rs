//! API keys: how they look, how they are made, how a caller is told from a stranger.
//!
//! A key is `wharf_live_<8>_<43><6>`, in a sandbox `wharf_test_…`: the public id, 256 bits of secret in base 62, and a checksum that
//! lets a typing error or a made-up key be refused without asking the database. Only the SHA-256 of the whole is stored.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use wharf_api::ids::{KeyId, SessionId};
use wharf_api::{ApiError, ErrorCode, Permission, Timestamp, limits, time};

use crate::caller::{Caller, Suspended, require_active};
use crate::chance::Chance;
use crate::name;
use crate::others::{self, News};
use crate::services::Services;
use crate::settle::settled;
use crate::store::{self, KeyRow, KeyWithAccount};

const LIVE: &str = "wharf_live_";
const TEST: &str = "wharf_test_";
/// What keys of either world began with before they said which one is theirs: they are good as long as they live.
const EARLIER: &str = "wag_live_";
const SECRET_LEN: usize = 43;
const CHECKSUM_LEN: usize = 6;

pub(crate) mod cache;
mod rotate;

pub use cache::Cache;
pub use rotate::rotate;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no key was given")]
    Missing,
    #[error("the key is malformed, unknown or revoked")]
    Invalid,
    #[error("{0}")]
    OtherWorld(&'static str),
    #[error("the key has expired")]
    Expired,
    #[error(transparent)]
    Suspended(#[from] Suspended),
    #[error("no such key")]
    NotFound,
    #[error("the key is revoked or has expired")]
    Ended,
    #[error("a key cannot grant {0}")]
    BeyondCaller(&'static str),
    #[error("the account has as many keys as it may have")]
    LimitReached { keys: u64 },
    #[error("the session {0} does not exist")]
    NoSuchSession(String),
    #[error(transparent)]
    Name(#[from] name::Bad),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<&Error> for ApiError {
    fn from(error: &Error) -> Self {
        match error {
            Error::Missing => ErrorCode::MissingApiKey.into(),
            Error::Invalid => ErrorCode::InvalidApiKey.into(),
            Error::OtherWorld(why) => ApiError::new(ErrorCode::InvalidApiKey).reason(*why),
            Error::Expired => ErrorCode::ExpiredApiKey.into(),
            Error::Suspended(suspended) => suspended.into(),
            Error::NotFound => ErrorCode::ResourceNotFound.into(),
            Error::Ended => ApiError::new(ErrorCode::Conflict).reason("the key is revoked or has expired: make a new one"),
            Error::BeyondCaller(what) => ApiError::new(ErrorCode::InsufficientPermissions).reason(format!("a key cannot grant {what}")),
            Error::LimitReached { keys } => ApiError::new(ErrorCode::InvalidRequest)
                .reason("the account has as many keys as it may have; revoke one")
                .limit(limits::KEYS_PER_ACCOUNT, *keys),
            Error::NoSuchSession(_) => ApiError::new(ErrorCode::SessionNotFound).field("sessionIds"),
            Error::Name(bad) => bad.into(),
            Error::Store(error) => error.into(),
        }
    }
}

/// A key on the one occasion that it is known in clear.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The key's text, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(super) fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.0.as_bytes()).to_vec()
    }

    pub(super) fn generate(services: &Services, id: &KeyId) -> Self {
        Self::made(own_prefix(services), &*services.chance, id)
    }

    fn made(prefix: &str, chance: &dyn Chance, id: &KeyId) -> Self {
        let body = format!("{prefix}{}_{}", id.bare(), chance.base62(SECRET_LEN));
        let checksum = checksum(&body);
        Self(body + str::from_utf8(&checksum).expect("the letters of a checksum are ASCII"))
    }

    /// The key in `text` with its public id, or `None` where no key can look like that.
    fn parse(text: &str) -> Option<(KeyId, Self)> {
        let (bare, secret) = [LIVE, TEST, EARLIER].iter().find_map(|prefix| text.strip_prefix(prefix))?.split_once('_')?;
        // Looked at to its end, which the machine does many letters at a time.
        let plain = |text: &str| text.bytes().fold(true, |plain, byte| plain & byte.is_ascii_alphanumeric());
        let well_formed = secret.len() == SECRET_LEN + CHECKSUM_LEN && plain(secret);
        let (body, sum) = text.split_at_checked(text.len().checked_sub(CHECKSUM_LEN)?)?;
        // Before anything is made of it: what fails here is tried by the thousand.
        if !well_formed || checksum(body) != *sum.as_bytes() {
            return None;
        }
        Some((KeyId::from_bare(bare)?, Self(text.to_owned())))
    }
}

/// What keys of this gateway's world begin with.
fn own_prefix(services: &Services) -> &'static str {
    if services.stays_on_loopback { TEST } else { LIVE }
}

/// Why a key can be none of this gateway's, where its first letters say so.
fn other_world(services: &Services, presented: &str) -> Option<Error> {
    let own = own_prefix(services);
    let why = match own {
        LIVE if presented.starts_with(TEST) => {
            "this key is one of a sandbox (wharf_test_): this gateway takes keys that begin with wharf_live_"
        }
        TEST if presented.starts_with(LIVE) => {
            "this key is a live one (wharf_live_): a sandbox takes the keys that it prints, which begin with wharf_test_"
        }
        _ => return None,
    };
    Some(Error::OtherWorld(why))
}

fn checksum(body: &str) -> [u8; CHECKSUM_LEN] {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = crc32fast::hash(body.as_bytes());
    let mut text = [b'0'; CHECKSUM_LEN];
    for place in text.iter_mut().rev() {
        *place = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    text
}

/// What can be said of a presented key without asking the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    /// No key can look like that, or the secret is not the one of the key with that id.
    Hopeless,
    /// It may be a key; this process has never seen it.
    Unseen,
    /// It was a good key when it was last looked up.
    WasGood,
}

pub fn guess(services: &Services, presented: &str) -> Guess {
    let Some((id, secret)) = Secret::parse(presented).filter(|_| other_world(services, presented).is_none()) else {
        return Guess::Hopeless;
    };
    match services.keys.hash(&id) {
        None => Guess::Unseen,
        Some(hash) if bool::from(hash.ct_eq(&secret.hash())) => Guess::WasGood,
        Some(_) => Guess::Hopeless,
    }
}

/// The caller behind a key, as it stands after `Bearer`.
pub async fn authenticate(services: &Services, presented: &str) -> Result<Caller, Error> {
    if presented.is_empty() {
        return Err(Error::Missing);
    }
    if let Some(other) = other_world(services, presented) {
        return Err(other);
    }
    let (id, secret) = Secret::parse(presented).ok_or(Error::Invalid)?;
    let now = services.clock.now();
    let found = look_up(services, &id).await?;
    if !bool::from(found.key.secret_hash.ct_eq(&secret.hash())) {
        return Err(Error::Invalid);
    }
    check_end(&found, now)?;
    services.used.key(&found.account.id, &id, now);
    Ok(Caller::from_key(&found))
}

/// The caller behind a key that is not shown itself: something that it made stands for it.
pub(crate) async fn caller_of(services: &Services, id: &KeyId) -> Result<Caller, Error> {
    let now = services.clock.now();
    let found = look_up(services, id).await?;
    check_end(&found, now)?;
    services.used.key(&found.account.id, id, now);
    Ok(Caller::from_key(&found))
}

/// Refuses a key that was good when its request came and has ended since, or whose account is suspended. A revocation on another node is
/// noticed within five seconds.
pub async fn still_good(services: &Services, id: &KeyId) -> Result<(), Error> {
    let now = services.clock.now();
    match look_up(services, id).await {
        Ok(found) => check_end(&found, now),
        // The database is away: nothing is known, and nothing can be read either.
        Err(Error::Store(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

async fn look_up(services: &Services, id: &KeyId) -> Result<Arc<KeyWithAccount>, Error> {
    let now = services.clock.steady();
    if let Some(found) = services.keys.get(id, now) {
        return Ok(found);
    }
    let look = services.keys.look();
    let found = Arc::new(services.store.find_key_any_account(id).await?.ok_or(Error::Invalid)?);
    services.keys.put(Arc::clone(&found), now, look);
    Ok(found)
}

fn check_end(found: &KeyWithAccount, now: Timestamp) -> Result<(), Error> {
    let key = &found.key;
    // One that was made while its account's deletion began is no key either.
    if found.account.deleting_at.is_some() {
        return Err(Error::Invalid);
    }
    if key.revoked_at.is_some_and(|at| at <= now) {
        return Err(Error::Invalid);
    }
    if key.expires_at.is_some_and(|at| at <= now) {
        return Err(Error::Expired);
    }
    // Last: what is good for nothing in any case is told that.
    Ok(require_active(&found.account)?)
}

/// What a new key is to be.
#[derive(Clone, Debug)]
pub struct NewKey {
    pub account: wharf_api::ids::AccountId,
    pub name: String,
    pub permissions: Vec<Permission>,
    pub expires_at: Option<Timestamp>,
    pub sessions: Option<Vec<SessionId>>,
    pub operator: bool,
}

/// Makes a key, however many there are. The secret is in the answer and nowhere else.
pub async fn create(services: &Services, new: NewKey) -> Result<(KeyRow, Secret), Error> {
    make(services, new, None).await
}

async fn make(services: &Services, new: NewKey, limit: Option<u64>) -> Result<(KeyRow, Secret), Error> {
    let name = name::checked(&new.name, limits::KEY_NAME_CHARS)?.to_owned();
    for session in new.sessions.iter().flatten() {
        if services.store.find_session(&new.account, session).await?.is_none() {
            return Err(Error::NoSuchSession(session.to_string()));
        }
    }
    let id = services.chance.key_id();
    let secret = Secret::generate(services, &id);
    let row = KeyRow {
        id,
        account: new.account,
        name,
        secret_hash: secret.hash(),
        permissions: new.permissions,
        sessions: new.sessions,
        operator: new.operator,
        created_at: services.clock.now(),
        expires_at: new.expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    let there = || async { Ok(services.store.find_key(&row.account, &row.id).await?.map(|_| true)) };
    if settled(services.store.insert_key_within(&row, limit), there).await? {
        return Ok((row, secret));
    }
    Err(Error::LimitReached { keys: services.store.count_good_keys(&row.account, row.created_at).await? })
}

/// Makes a key for a caller, who cannot give away more than the own key may do.
pub async fn create_for(services: &Services, caller: &Caller, new: NewKey) -> Result<(KeyRow, Secret), Error> {
    may_give(caller, &new)?;
    make(services, new, Some(limits::KEYS_PER_ACCOUNT)).await
}

/// Refuses what a caller cannot give away because the own key may not do it.
pub(crate) fn may_give(caller: &Caller, new: &NewKey) -> Result<(), Error> {
    if new.operator && !caller.operator {
        return Err(Error::BeyondCaller("an operator's rights"));
    }
    if new.permissions.iter().any(|permission| !caller.permissions.contains(permission)) {
        return Err(Error::BeyondCaller("a permission that it lacks itself"));
    }
    // Whoever ends cannot make what goes on.
    if let Some(end) = caller.expires_at
        && new.expires_at.is_none_or(|wanted| wanted > end)
    {
        return Err(Error::BeyondCaller("a longer life than it has itself"));
    }
    if let Some(bound) = &caller.sessions {
        // A session that the caller's key may not use does not exist for it.
        match &new.sessions {
            None => return Err(Error::BeyondCaller("more sessions than it is bound to itself")),
            Some(wanted) => {
                if let Some(foreign) = wanted.iter().find(|session| !bound.contains(session)) {
                    return Err(Error::NoSuchSession(foreign.to_string()));
                }
            }
        }
    }
    Ok(())
}

/// Drops keys that ended so long ago that the audit log names them no more.
pub async fn drop_ended(services: &Services) -> Result<(), store::Error> {
    let before = services.clock.now() - time::days(limits::AUDIT_DAYS);
    let dropped = services.store.drop_ended_keys(before).await?;
    tracing::debug!(dropped, "keys that ended long ago were dropped");
    Ok(())
}

pub async fn find(services: &Services, caller: &Caller, id: &KeyId) -> Result<KeyRow, Error> {
    services.store.find_key(&caller.account, id).await?.ok_or(Error::NotFound)
}

/// Revokes a key. It is refused from the next request on, here and on every node that hears of it; on one that does not within five seconds.
/// A key revokes itself, and what is neither an operator's nor bound to more sessions than it is itself: an operator's key is what the
/// account is repaired with.
pub async fn revoke(services: &Services, caller: &Caller, id: &KeyId) -> Result<KeyRow, Error> {
    let target = find(services, caller, id).await?;
    let own = caller.by.key() == Some(id);
    if target.operator && !caller.operator && !own {
        return Err(Error::BeyondCaller("an operator's rights"));
    }
    if let Some(bound) = caller.sessions.as_ref().filter(|_| !own)
        && !target.sessions.is_some_and(|sessions| sessions.iter().all(|session| bound.contains(session)))
    {
        return Err(Error::BeyondCaller("more sessions than it is bound to itself"));
    }
    let row = services.store.revoke_key(&caller.account, id, services.clock.now()).await?.ok_or(Error::NotFound)?;
    others::spread(services, News::KeyChanged(id.clone())).await;
    Ok(row)
}

impl From<&KeyRow> for wharf_api::types::key::Key {
    fn from(row: &KeyRow) -> Self {
        Self {
            key_id: row.id.clone(),
            name: row.name.clone(),
            permissions: row.permissions.clone(),
            session_ids: row.sessions.as_ref().map(|ids| ids.iter().map(ToString::to_string).collect()),
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
        }
    }
}

#[cfg(test)]
mod tests;
