//! Receipts of what the session sent: a few commits for many, and never more than one at a time.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use wacore::types::events::Receipt as Seen;
use wacore::types::presence::ReceiptType;
use wharf_core::store::{self, MessageRow, Outcome, Receipt, ReceiptKind};

use super::Own;
use super::flight::Answer;

/// Receipts may be lost in a crash; so they may in a storm that nobody could store.
const WAITING: usize = 10_000;
const PAUSE: std::time::Duration = std::time::Duration::from_secs(1);

type Batch = Vec<(ReceiptKind, String)>;

#[derive(Default)]
pub(super) struct Receipts {
    waiting: Batch,
    running: Option<BoxFuture<'static, Batch>>,
}

impl Receipts {
    /// Takes a receipt in, if it tells of another person's device.
    pub(super) fn add(&mut self, own: &Arc<Own>, receipt: &Seen, own_users: &[String]) {
        let Some(kind) = kind(&receipt.r#type) else { return };
        let source = &receipt.source;
        if source.is_from_me || own_users.iter().any(|user| *user == source.sender.user_base()) || self.waiting.len() >= WAITING {
            return;
        }
        self.waiting.extend(receipt.message_ids.iter().map(|id| (kind, id.clone())));
        self.start(own);
    }

    pub(super) fn is_busy(&self) -> bool {
        self.running.is_some()
    }

    /// Ends when a batch is stored, then begins the next. May be dropped at any time.
    pub(super) async fn progress(&mut self, own: &Arc<Own>) {
        let Some(running) = &mut self.running else { return };
        let unstored = running.await;
        self.running = None;
        self.waiting.splice(0..0, unstored);
        self.start(own);
    }

    fn start(&mut self, own: &Arc<Own>) {
        if self.running.is_none() && !self.waiting.is_empty() {
            self.running = Some(store(Arc::clone(own), std::mem::take(&mut self.waiting)).boxed());
        }
    }
}

/// Which receipts tell something about a message. `Inactive` does not: no tick shows on it.
fn kind(seen: &ReceiptType) -> Option<ReceiptKind> {
    match seen {
        ReceiptType::Delivered => Some(ReceiptKind::Delivered),
        ReceiptType::Read => Some(ReceiptKind::Read),
        ReceiptType::Played => Some(ReceiptKind::Played),
        _ => None,
    }
}

/// Stores a batch, one commit per kind; gives back what the database did not take.
async fn store(own: Arc<Own>, batch: Batch) -> Batch {
    let mut unstored = Vec::new();
    for kind in [ReceiptKind::Delivered, ReceiptKind::Read, ReceiptKind::Played] {
        let mut wa_ids: Vec<String> = batch.iter().filter(|(of, _)| *of == kind).map(|(_, id)| id.clone()).collect();
        // Every device of the recipient sends its own.
        wa_ids.sort_unstable();
        wa_ids.dedup();
        if wa_ids.is_empty() {
            continue;
        }
        let receipt = Receipt { kind, wa_ids, at: own.ctx.clock.now() };
        match own.vault.notice(own.ctx.store.record_receipt(own.fence(), &receipt).await) {
            Ok(moved) => moved.iter().for_each(|row| proven(&own, row)),
            Err(store::Error::Unavailable(_)) => unstored.extend(receipt.wa_ids.into_iter().map(|id| (kind, id))),
            Err(error) => tracing::warn!(session = %own.session(), %error, "receipts were not recorded"),
        }
    }
    if !unstored.is_empty() {
        tokio::time::sleep(PAUSE).await;
    }
    unstored
}

/// A receipt proves that the server has the message, even where its acknowledgement was lost.
fn proven(own: &Own, row: &MessageRow) {
    own.flight.answer(&row.wa_id, Answer::Acknowledged);
    own.ctx.outcomes.report(&row.id, Outcome::Sent);
}
