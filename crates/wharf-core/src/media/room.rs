//! How many bytes of files an account has, and how many more may come: what is stored and what is on its way in count together.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use wharf_api::ids::AccountId;

use super::Error;
use super::arriving::Arrivals;
use crate::services::Services;
use crate::store::{self, Plan};

/// The part of an account's room that one file on its way in takes. It is free again when this is dropped.
pub struct Share {
    account: Arc<Arrivals>,
    limit: u64,
    /// What was stored at the beginning.
    stored: u64,
    bytes: u64,
}

impl Share {
    /// `None` where the plan has no limit.
    pub async fn begin(services: &Services, account: &AccountId, plan: &Plan) -> Result<Option<Self>, store::Error> {
        let Some(limit) = plan.media_bytes else { return Ok(None) };
        let stored = services.store.media_bytes(account).await?;
        Ok(Some(Self { account: services.room.of(account), limit, stored, bytes: 0 }))
    }

    /// Refuses a file of so many bytes where it does not fit.
    pub fn announce(&self, bytes: u64) -> Result<(), Error> {
        let others = self.account.arriving.load(Relaxed).saturating_sub(self.bytes);
        self.fits(self.stored.saturating_add(others).saturating_add(bytes))
    }

    /// The file has so many bytes by now.
    pub fn grow(&mut self, bytes: u64) -> Result<(), Error> {
        self.account.arriving.fetch_add(bytes.saturating_sub(self.bytes), Relaxed);
        self.bytes = self.bytes.max(bytes);
        self.announce(bytes)
    }

    /// Looks once more at what is stored, and stores the file where it fits. Files that are still on their way do not count here: each of
    /// them comes by here itself.
    pub async fn land<T, E: From<Error>>(
        &self,
        services: &Services,
        id: &AccountId,
        store: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let _alone = self.account.last_look.lock().await;
        let stored = services.store.media_bytes(id).await.map_err(Error::from)?;
        self.fits(stored.saturating_add(self.bytes))?;
        store.await
    }

    fn fits(&self, actual: u64) -> Result<(), Error> {
        if actual > self.limit { Err(Error::NoRoom { limit: self.limit, actual }) } else { Ok(()) }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.account.arriving.fetch_sub(self.bytes, Relaxed);
    }
}

/// Whether the account has room for a received file of so many bytes.
pub(super) async fn has_room(services: &Services, account: &AccountId, plan: &Plan, bytes: u64) -> Result<bool, store::Error> {
    Ok(match Share::begin(services, account, plan).await? {
        Some(share) => share.announce(bytes).is_ok(),
        None => true,
    })
}

#[cfg(test)]
mod tests {
    use wharf_api::ids::Uuid;

    use super::*;
    use crate::media::arriving::Room;

    fn share(room: &Room, account: u128) -> Share {
        Share { account: room.of(&AccountId::from_uuid(Uuid::from_u128(account))), limit: 100, stored: 40, bytes: 0 }
    }

    #[test]
    fn what_is_stored_and_what_is_on_its_way_count_together_to_the_last_byte() {
        let room = Room::default();
        let mut one = share(&room, 1);
        one.announce(60).unwrap();
        assert!(matches!(one.announce(61), Err(Error::NoRoom { limit: 100, actual: 101 })));
        one.grow(20).unwrap();
        one.grow(50).unwrap();
        let mut two = share(&room, 1);
        two.grow(10).unwrap();
        assert!(matches!(two.grow(11), Err(Error::NoRoom { limit: 100, actual: 101 })));
        // Another account has room of its own.
        share(&room, 2).grow(60).unwrap();
        drop(one);
        two.grow(60).unwrap();
        drop(two);
        assert_eq!(room.of(&AccountId::from_uuid(Uuid::from_u128(1))).arriving.load(Relaxed), 0);
    }
}
