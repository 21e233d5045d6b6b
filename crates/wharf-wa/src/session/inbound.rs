//! What comes in: one commit of the rows and their events, and only then the library may acknowledge.

use std::sync::Arc;

use async_trait::async_trait;
use wacore::types::events::{DecryptFailMode, InboundMessage, UndecryptableMessage};
use wharf_core::store::MessageRow;
use whatsapp_rust::client::Client;
use whatsapp_rust::types::durability_hook::InboundDurabilityHook;

use super::{Own, convert};

pub(super) struct Inbound {
    own: Arc<Own>,
}

impl Inbound {
    pub(super) fn new(own: Arc<Own>) -> Self {
        Self { own }
    }

    fn row(&self, inbound: &InboundMessage) -> Option<MessageRow> {
        match convert::row(self.own.fence(), self.own.ctx.chance.message_id(), &inbound.message, &inbound.info) {
            Ok(row) => Some(row),
            Err(reason) => {
                tracing::debug!(session = %self.own.session(), reason, "a received message gets no row");
                None
            }
        }
    }
}

/// Stores that a message came which could not be decrypted. The library has asked the sender for it again; what comes then
/// takes the place of this row's content.
pub(super) async fn note_undecryptable(own: &Own, message: &UndecryptableMessage) {
    let session = own.session();
    if message.decrypt_fail_mode == DecryptFailMode::Hide {
        return;
    }
    let Ok(row) = convert::bare(own.fence(), own.ctx.chance.message_id(), &message.info) else { return };
    tracing::warn!(%session, message = %row.id, "a message could not be decrypted");
    if let Err(error) = own.vault.notice(own.ctx.store.record_inbound(own.fence(), &[row]).await) {
        tracing::warn!(%session, %error, "a message that could not be decrypted was not recorded");
    }
}

#[async_trait]
impl InboundDurabilityHook for Inbound {
    /// `Err` leaves the batch unacknowledged: the network sends it again, and what is there already is left out then.
    async fn on_messages(&self, _client: Arc<Client>, batch: &[InboundMessage]) -> anyhow::Result<()> {
        anyhow::ensure!(!self.own.vault.is_shut(), "the session's vault is shut");
        let rows: Vec<MessageRow> = batch.iter().filter_map(|inbound| self.row(inbound)).collect();
        if rows.is_empty() {
            return Ok(());
        }
        fail::fail_point!("inbound-before-commit");
        let inbound = self.own.vault.notice(self.own.ctx.store.record_inbound(self.own.fence(), &rows).await)?;
        self.own.ctx.meter().received.add(inbound.inserted.len() as u64);
        fail::fail_point!("inbound-after-commit");
        Ok(())
    }
}
