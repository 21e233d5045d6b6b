//! Messages are kept for as long as their account's plan says: for ever, where it says nothing.

use wharf_api::ids::AccountId;
use wharf_api::{Timestamp, limits, time};

use crate::gentle::gently;
use crate::services::Services;
use crate::store::{self, PageRequest};

/// How many accounts are looked up at a time.
const ACCOUNTS: u32 = 200;

// The first answer of a send is told again for no longer than a day, and no plan keeps a message for less.
const _: () = assert!(limits::IDEMPOTENCY_TTL.as_secs() <= time::days(1).as_secs());

/// Removes what is older than the plans keep it, with payloads, receipts and the files that came with it; tells how many messages. Events go
/// before: what they tell may stay for as long as they are there.
pub async fn expire(services: &Services) -> Result<u64, store::Error> {
    let now = services.clock.now();
    if !services.steady.believes(now) {
        return Ok(0);
    }
    let (mut removed, mut after) = (0, None);
    loop {
        let page = services.store.list_accounts(PageRequest { after, limit: ACCOUNTS }).await?;
        for account in page.rows {
            let Some(days) = account.plan.message_days else { continue };
            removed += of_account(services, &account.id, now - time::days(days)).await?;
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    services.meter.messages_removed.add(removed);
    Ok(removed)
}

async fn of_account(services: &Services, id: &AccountId, before: Timestamp) -> Result<u64, store::Error> {
    // Who is still to be told of a message may want to read it.
    let before = services.store.owed_to_webhooks_since(id).await?.map_or(before, |owed| owed.min(before));
    let (mut removed, mut after) = (0, 0);
    loop {
        let part = gently(services.store.remove_messages(id, before, after)).await?;
        removed += part.messages;
        match part.next {
            Some(next) => after = next,
            None => return Ok(removed),
        }
    }
}
