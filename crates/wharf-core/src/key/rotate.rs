//! A new key in the place of an old one, which goes on working for a while.

use std::time::Duration;

use wharf_api::ids::KeyId;
use wharf_api::{Timestamp, limits};

use super::{Error, NewKey, Secret, may_give};
use crate::caller::Caller;
use crate::others::{self, News};
use crate::services::Services;
use crate::settle::settled;
use crate::store::KeyRow;

/// Makes a key with the name, permissions, sessions and expiry of the old one, which ends after `overlap`.
pub async fn rotate(services: &Services, caller: &Caller, id: &KeyId, overlap: Duration) -> Result<(KeyRow, Secret), Error> {
    let old = super::find(services, caller, id).await?;
    let now = services.clock.now();
    if old.revoked_at.is_some() || old.expires_at.is_some_and(|at: Timestamp| at <= now) {
        return Err(Error::Ended);
    }
    // The caller sees the new secret, so it is given away.
    let given = NewKey {
        account: old.account.clone(),
        name: old.name.clone(),
        permissions: old.permissions.clone(),
        expires_at: old.expires_at,
        sessions: old.sessions.clone(),
        operator: old.operator,
    };
    may_give(caller, &given).map_err(|error| match error {
        Error::NoSuchSession(_) => Error::BeyondCaller("more sessions than it is bound to itself"),
        other => other,
    })?;
    // Each goes on for as long as its caller says, so that rotation alone could make any number.
    let keys = services.store.count_good_keys(&old.account, now).await?;
    if keys >= 2 * limits::KEYS_PER_ACCOUNT && !caller.operator {
        return Err(Error::LimitReached { keys });
    }
    let new_id = services.chance.key_id();
    let secret = Secret::generate(services, &new_id);
    let new = KeyRow { id: new_id, secret_hash: secret.hash(), created_at: now, last_used_at: None, ..old };
    let there = || async { Ok(services.store.find_key(&new.account, &new.id).await?.map(|_| true)) };
    if !settled(services.store.rotate_key(id, &new, now + overlap), there).await? {
        return Err(Error::Ended);
    }
    others::spread(services, News::KeyChanged(id.clone())).await;
    Ok((new, secret))
}
