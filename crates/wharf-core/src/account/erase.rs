//! Deleting an account with everything in it: nobody acts in it from that moment on, and what it has goes in parts, while the others work on.
//!
//! A run that is cut off is begun again and goes on: what is gone is not looked for. Every node may run it.

use std::io;
use std::time::Duration;

use wharf_api::Timestamp;
use wharf_api::ids::AccountId;

use super::Error;
use crate::caller::Caller;
use crate::gentle::gently;
use crate::others::{self, News};
use crate::services::Services;
use crate::session;
use crate::store::{self, AccountRow, PageRequest};

/// So long the account's own row stays at the least: a call that was under way when its keys ended may bring something in until then.
const GRACE: Duration = Duration::from_mins(10);
/// How many accounts one run works on, and how many sessions and files it looks up at a time.
const ACCOUNTS: u32 = 200;
const SESSIONS: u32 = 50;
const FILES: u32 = 100;

/// What keeps an account from going on to go; it is tried again.
#[derive(Debug, thiserror::Error)]
enum Stuck {
    #[error("a session does not end: {0}")]
    Session(#[from] session::Error),
    #[error("a file cannot be removed: {0}")]
    File(#[from] io::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Begins to delete an account. Whoever asks again is told how far it has come.
pub async fn delete(services: &Services, caller: &Caller, id: &AccountId) -> Result<AccountRow, Error> {
    if caller.account == *id {
        return Err(Error::Own);
    }
    let row = services.store.begin_erasure(id, services.clock.now()).await?.ok_or(Error::NotFound)?;
    others::spread(services, News::KeysChanged).await;
    others::spread(services, News::LoginsChanged).await;
    Ok(row)
}

/// Goes on with every account that is being deleted. One that cannot go on now holds up no other.
pub async fn go_on(services: &Services) -> Result<(), store::Error> {
    for account in services.store.list_erasures(ACCOUNTS).await? {
        let Some(begun) = account.deleting_at else { continue };
        if let Err(error) = erase(services, &account.id, begun).await {
            tracing::warn!(account = %account.id, %error, "an account that is being deleted is not gone yet; it is tried again");
        }
    }
    Ok(())
}

async fn erase(services: &Services, id: &AccountId, begun: Timestamp) -> Result<(), Stuck> {
    if !end_sessions(services, id).await? {
        return Ok(());
    }
    loop {
        let files = services.store.media_of_account(id, FILES).await?;
        if files.is_empty() {
            break;
        }
        // The file first: its row is what it is found by.
        for file in &files {
            services.files.remove(file).await?;
            fail::fail_point!("D1-file");
        }
        services.store.delete_media(&files).await?;
    }
    while gently(services.store.erase_some(id)).await? > 0 {
        fail::fail_point!("D2-part");
    }
    let is_over = services.clock.now() >= begun + GRACE;
    if is_over && services.store.erase_account(id).await? {
        tracing::info!(account = %id, "an account is deleted with everything in it");
    }
    Ok(())
}

/// Whether no session is left. One is ended by the node that has it, which can tell its phone; one that nobody has, by whoever comes first.
/// The first that does not end is what is answered, after all were tried.
async fn end_sessions(services: &Services, id: &AccountId) -> Result<bool, Stuck> {
    let (mut after, mut ended, mut all) = (None, Ok(()), true);
    loop {
        let page = services.store.list_sessions(id, PageRequest { after, limit: SESSIONS }).await?;
        for row in &page.rows {
            let owner = services.store.owner_of(&row.id, services.clock.now()).await?;
            if owner.is_some_and(|owner| owner != services.node) {
                all = false;
            } else if let Err(error) = session::end(services, row).await {
                ended = ended.and(Err(error.into()));
            }
        }
        after = page.next;
        if after.is_none() {
            return ended.map(|()| all);
        }
    }
}
