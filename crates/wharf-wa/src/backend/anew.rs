//! Beginning the keys anew, where the database is an older self: what it knows of chains and one-time keys was used and is behind.

use wacore::store::error::Result;
use wacore::store::traits::DeviceStore as _;
use wacore::types::jid::JidExt as _;

use super::Backend;
use super::device::DeviceRow;
use super::protocol::{BASE_KEY, SENDER_KEY_DEVICE};
use super::signal::{SENDER_KEY, SESSION};
use crate::vault::Vault;
use wharf_core::store::VaultOp;

/// How far the ids of one-time keys jump: past all that the lost time can have used.
const JUMP: u32 = 1 << 16;
/// They have 24 bits, and none is 0.
const ID_MASK: u32 = 0x00ff_ffff;
const PAGE: u32 = 500;

impl Backend {
    /// Forgets every Signal session and the account's own sender keys, and has new one-time keys uploaded at the next login. What
    /// others gave to be read with stays: reading goes forward from wherever it stood.
    pub(crate) async fn begin_anew(&self) -> Result<()> {
        let Some(mut device) = self.load().await? else { return Ok(()) };
        let own: Vec<String> =
            [&device.pn, &device.lid].into_iter().flatten().map(|jid| format!(":{}", jid.to_protocol_address_string())).collect();
        let mut after = String::new();
        loop {
            let page = self.vault.page(SENDER_KEY, &after, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after.clone_from(last);
            let ours = page.into_iter().filter(|(key, _)| own.iter().any(|own| key.ends_with(own)));
            self.vault.apply(ours.map(|(key, _)| Vault::delete(SENDER_KEY, key)).collect()).await?;
        }
        device.next_pre_key_id = (device.next_pre_key_id + JUMP) & ID_MASK;
        device.next_pre_key_id = device.next_pre_key_id.max(1);
        device.first_unupload_pre_key_id = device.next_pre_key_id;
        device.server_has_prekeys = false;
        let mut ops: Vec<_> = [SESSION, SENDER_KEY_DEVICE, BASE_KEY].map(|space| VaultOp::Clear { space }).into();
        ops.push(self.device_op(&device)?);
        let mut row = self.device.lock().await;
        *row = DeviceRow::default();
        self.vault.apply(ops).await
    }
}
