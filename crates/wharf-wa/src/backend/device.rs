//! The linked device itself: its identity and noise keys, its ids, its counters.

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use wacore::stats::StorageResourceReport;
use wacore::store::Device;
use wacore::store::error::Result;
use wacore::store::traits::DeviceStore;
use wharf_api::ids::SessionId;
use wharf_core::seal::Seal;
use wharf_core::store::{self, Store, VaultOp};

use super::{Backend, from_json, to_json};

const DEVICE: &str = "device";
const SELF: &str = "self";

/// What this backend knows of the device's row: it alone writes that while it lives.
#[derive(Default)]
pub(super) struct DeviceRow {
    /// Read by whoever asked whether it is there, for whoever loads it next.
    read: Option<Vec<u8>>,
    /// The digest of what stands there: the library has the device saved at every start, and mostly nothing of it has changed.
    digest: Option<[u8; 32]>,
}

/// The digest of what counts of a device. When the library last learned WhatsApp's version does not: each client is told which to claim.
fn digest(device: &Device) -> Result<[u8; 32]> {
    let mut device = device.clone();
    device.app_version_last_fetched_ms = 0;
    Ok(Sha256::digest(to_json(&device)?).into())
}

/// Whether the keys of a session are those of a linked device. Keys that cannot be read are none.
pub(crate) async fn is_linked(store: &dyn Store, seal: &Seal, session: &SessionId) -> std::result::Result<bool, store::Error> {
    let Some(sealed) = store.vault_get(session, DEVICE, SELF).await? else { return Ok(false) };
    let Ok(plain) = seal.open(&[session.as_str(), DEVICE, SELF], &sealed) else { return Ok(false) };
    Ok(serde_json::from_slice::<Device>(&plain).is_ok_and(|device| device.pn.is_some()))
}

impl Backend {
    /// What writes the device down, to be applied with other changes.
    pub(super) fn device_op(&self, device: &Device) -> Result<VaultOp> {
        Ok(self.vault.put(DEVICE, SELF, &to_json(device)?))
    }
}

#[async_trait]
impl DeviceStore for Backend {
    async fn save(&self, device: &Device) -> Result<()> {
        let new = digest(device)?;
        let mut row = self.device.lock().await;
        // A vault that is shut refuses this as everything else.
        if row.digest == Some(new) && !self.vault.is_shut() {
            return Ok(());
        }
        // Of a write that fails nobody knows whether it was made.
        *row = DeviceRow::default();
        self.put_json(DEVICE, SELF, device).await?;
        row.digest = Some(new);
        Ok(())
    }

    async fn load(&self) -> Result<Option<Device>> {
        let mut row = self.device.lock().await;
        let plain = match row.read.take() {
            Some(plain) => Some(plain),
            None => self.vault.get(DEVICE, SELF).await?,
        };
        let device = plain.map(|plain| from_json::<Device>(&plain)).transpose()?;
        row.digest = device.as_ref().map(digest).transpose()?;
        Ok(device)
    }

    async fn exists(&self) -> Result<bool> {
        let mut row = self.device.lock().await;
        row.read = self.vault.get(DEVICE, SELF).await?;
        Ok(row.read.is_some())
    }

    async fn create(&self) -> Result<i32> {
        self.save(&Device::new()).await?;
        // The library numbers devices in one database; a vault holds one.
        Ok(1)
    }

    async fn resource_report(&self) -> StorageResourceReport {
        StorageResourceReport::default()
    }
}
