//! The linked device itself: its identity and noise keys, its ids, its counters.

use async_trait::async_trait;
use wacore::stats::StorageResourceReport;
use wacore::store::Device;
use wacore::store::error::Result;
use wacore::store::traits::DeviceStore;

use super::Backend;

const DEVICE: &str = "device";
const SELF: &str = "self";

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
