//! The linked device itself: its identity and noise keys, its ids, its counters.

use async_trait::async_trait;
use wacore::stats::StorageResourceReport;
use wacore::store::Device;
use wacore::store::error::Result;
use wacore::store::traits::DeviceStore;
use wharf_api::ids::SessionId;
use wharf_core::seal::Seal;
use wharf_core::store::{self, Store, VaultOp};

use super::{Backend, to_json};

const DEVICE: &str = "device";
const SELF: &str = "self";

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
        self.put_json(DEVICE, SELF, device).await
    }

    async fn load(&self) -> Result<Option<Device>> {
        self.get_json(DEVICE, SELF).await
    }

    async fn exists(&self) -> Result<bool> {
        Ok(self.vault.get(DEVICE, SELF).await?.is_some())
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
