//! What comes in: one commit of the rows and their events, and only then the library may acknowledge.

use std::sync::Arc;

use async_trait::async_trait;
use wacore::types::events::{DecryptFailMode, InboundMessage, UnavailableType, UndecryptableMessage};
use wharf_api::limits;
use wharf_api::types::media::MediaState;
use wharf_api::types::message::Content;
use wharf_core::store::{MediaRow, MessageRow, NewFetch};
use whatsapp_rust::client::Client;
use whatsapp_rust::types::durability_hook::InboundDurabilityHook;

use super::media::Source;
use super::{Own, convert, votes};
use crate::engine::SEALED_MEDIA;

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

    /// The file that is to be fetched for the row, its key sealed. A file that cannot be fetched is one that failed.
    fn file(&self, row: &mut MessageRow, inbound: &InboundMessage) -> Option<NewFetch> {
        let (kind, content) = (row.content.media_kind()?, row.content.media_mut()?);
        let now = self.own.ctx.clock.now();
        let Some(source) = Source::of(&inbound.message, &inbound.info) else {
            content.media_state = MediaState::Failed;
            content.media_error = Some("the message does not say where its file is".to_owned());
            return None;
        };
        let plain = serde_json::to_vec(&source).expect("a source holds strings and bytes only");
        let source = self.own.ctx.seal.close(&[self.own.session().as_str(), SEALED_MEDIA, content.media_id.as_str()], &plain);
        let media = MediaRow {
            id: content.media_id.clone(),
            account: self.own.fence().account.clone(),
            session: Some(self.own.session().clone()),
            kind,
            mime_type: content.mime_type.clone(),
            size: content.size,
            sha256: None,
            width: content.width,
            height: content.height,
            seconds: content.seconds,
            file_name: content.file_name.clone(),
            state: MediaState::Pending,
            created_at: now,
            expires_at: now.plus_millis(limits::MEDIA_PENDING_MS),
        };
        Some(NewFetch { media, source })
    }
}

/// Stores that a message came which could not be decrypted. The library has asked the sender for it again; what comes then
/// takes the place of this row's content. What WhatsApp gives to phones alone never comes, and is shown as what it is.
pub(super) async fn note_undecryptable(own: &Own, message: &UndecryptableMessage) {
    let session = own.session();
    if message.decrypt_fail_mode == DecryptFailMode::Hide {
        return;
    }
    let Ok(mut row) = convert::bare(own.fence(), own.ctx.chance.message_id(), &message.info) else { return };
    if message.is_unavailable && message.unavailable_type.is_unrecoverable_fanout() {
        row.content = Content::Unsupported { kind: message.unavailable_type.as_str().to_owned() };
        row.marks.view_once = message.unavailable_type == UnavailableType::ViewOnce;
    } else {
        own.ctx.meter().undecryptable.one();
        tracing::warn!(%session, message = %row.id, "a message could not be decrypted");
    }
    if let Err(error) = own.vault.notice(own.ctx.store.record_inbound(own.fence(), &[row]).await) {
        tracing::warn!(%session, %error, "a message that could not be decrypted was not recorded");
    }
}

#[async_trait]
impl InboundDurabilityHook for Inbound {
    /// `Err` leaves the batch unacknowledged: the network sends it again, and what is there already is left out then.
    async fn on_messages(&self, client: Arc<Client>, batch: &[InboundMessage]) -> anyhow::Result<()> {
        anyhow::ensure!(!self.own.vault.is_shut(), "the session's vault is shut");
        let mut files = Vec::new();
        let mut rows = Vec::with_capacity(batch.len());
        for inbound in batch {
            let Some(mut row) = self.row(inbound) else { continue };
            votes::read(&self.own, &client, inbound, &mut row).await?;
            files.extend(self.file(&mut row, inbound));
            rows.push(row);
        }
        if rows.is_empty() {
            return Ok(());
        }
        fail::fail_point!("inbound-before-commit");
        let inbound = self.own.vault.notice(self.own.ctx.store.record_inbound_with_files(self.own.fence(), &rows, &files).await)?;
        self.own.ctx.meter().received.add(inbound.inserted.len() as u64);
        fail::fail_point!("inbound-after-commit");
        Ok(())
    }
}
