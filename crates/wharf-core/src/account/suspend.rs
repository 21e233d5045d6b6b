//! Suspending an account: from that moment on nobody acts in it and its sessions rest, until an operator lifts that. Nothing goes.
//!
//! The mark in the account's row is all there is: callers are looked at by it, and so is whoever would run a session.

use std::collections::HashSet;
use std::time::Duration;

use futures::StreamExt as _;
use wharf_api::ids::{AccountId, SessionId};

use super::Error;
use crate::caller::Caller;
use crate::others::{self, News};
use crate::services::Services;
use crate::store::{self, AccountRow};

/// How many sessions end at the same time: each lets its messages in flight come to an end.
const AT_ONCE: usize = 32;

/// For how long a session keeps others waiting that are to end after it. It goes on by itself then, and the next look comes for it again.
const PATIENCE: Duration = Duration::from_secs(2);

/// Suspends an account. Whoever asks again is told since when it is.
pub async fn suspend(services: &Services, caller: &Caller, id: &AccountId) -> Result<AccountRow, Error> {
    // Nobody would be left to lift it.
    if caller.account == *id {
        return Err(Error::Own);
    }
    let row = services.store.suspend_account(id, services.clock.now()).await?.ok_or(Error::NotFound)?;
    look_again(services).await;
    Ok(row)
}

/// Lifts a suspension. The sessions begin by themselves, on whichever node finds them first.
pub async fn resume(services: &Services, id: &AccountId) -> Result<AccountRow, Error> {
    let row = services.store.resume_account(id).await?.ok_or(Error::NotFound)?;
    look_again(services).await;
    Ok(row)
}

/// Has every node look its callers up anew.
async fn look_again(services: &Services) {
    others::spread(services, News::KeysChanged).await;
    others::spread(services, News::LoginsChanged).await;
}

/// Ends the sessions of suspended accounts that this node runs, in order and with their links kept. Those that wait for a scan end too.
pub async fn rest(services: &Services) -> Result<(), store::Error> {
    let sessions = services.store.list_suspended_sessions().await?;
    if sessions.is_empty() {
        services.laggards.are_news(HashSet::new());
        return Ok(());
    }
    let running: HashSet<SessionId> = services.engine.all_running().into_iter().collect();
    let begun = sessions.iter().filter(|session| running.contains(*session)).count();
    // Also those that ended by themselves, or were refused when they were to begin: what this node knew of them tells of another time.
    let rests = sessions.iter().map(|session| async move {
        let in_time = tokio::time::timeout(PATIENCE, services.engine.rest(session)).await.is_ok();
        (!in_time).then(|| session.clone())
    });
    let all: Vec<_> = rests.collect();
    let ends: Vec<Option<SessionId>> = futures::stream::iter(all).buffer_unordered(AT_ONCE).collect().await;
    let laggards: HashSet<SessionId> = ends.into_iter().flatten().collect();
    let late = laggards.len();
    let ended = begun.saturating_sub(late);
    if ended > 0 {
        tracing::info!(ended, "sessions of suspended accounts rest");
    }
    if services.laggards.are_news(laggards) {
        tracing::warn!(late, "sessions of suspended accounts take their time to end; they are looked at again");
    }
    Ok(())
}
