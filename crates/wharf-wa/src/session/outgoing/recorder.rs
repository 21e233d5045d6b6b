//! Writes outcomes down as they come up, and tells those who wait. The store gathers what waits for it into one commit: an outcome that
//! waited here for the ones before would miss the next.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use wharf_api::ErrorCode;
use wharf_api::ids::MessageId;
use wharf_api::types::message::MessageStatus;
use wharf_core::store::{self, Outcome, StatusChange};

use crate::session::Own;

/// How many writes may be under way. What comes up beyond goes into the next one together.
const WRITES: usize = 8;
/// The pause before outcomes are offered again to a database that did not take them.
const PAUSE: Duration = Duration::from_millis(500);

/// What a commit did not take, and the ids of all that it was offered.
struct WrittenChanges {
    back: Vec<StatusChange>,
    settled: Vec<MessageId>,
}

pub(super) struct Recorder {
    own: Arc<Own>,
    waiting: Vec<StatusChange>,
    running: FuturesUnordered<BoxFuture<'static, WrittenChanges>>,
}

impl Recorder {
    pub(super) fn new(own: Arc<Own>) -> Self {
        Self { own, waiting: Vec::new(), running: FuturesUnordered::new() }
    }

    pub(super) fn add(&mut self, change: StatusChange) {
        self.waiting.push(change);
        self.start();
    }

    pub(super) fn is_busy(&self) -> bool {
        !self.running.is_empty()
    }

    /// Ends when a commit has ended, with the messages that are settled by it. May be dropped at any time.
    pub(super) async fn progress(&mut self) -> Vec<MessageId> {
        let Some(WrittenChanges { back, settled }) = self.running.next().await else { return Vec::new() };
        self.waiting.splice(0..0, back);
        self.start();
        settled
    }

    fn start(&mut self) {
        if self.running.len() < WRITES && !self.waiting.is_empty() {
            self.running.push(write(Arc::clone(&self.own), std::mem::take(&mut self.waiting)).boxed());
        }
    }
}

/// How a message ended, as its row has it.
async fn ended(own: &Own, id: &MessageId) -> Option<Outcome> {
    let row = own.ctx.store.find_message(&own.fence().account, id).await.ok().flatten()?;
    match (row.status, row.error) {
        (MessageStatus::Queued, _) => None,
        (MessageStatus::Failed, code) => {
            let reason = row.error_reason.unwrap_or_default();
            Some(Outcome::Failed { code: code.unwrap_or(ErrorCode::MessageSendingFailed), reason })
        }
        _ => Some(Outcome::Sent),
    }
}

async fn write(own: Arc<Own>, changes: Vec<StatusChange>) -> WrittenChanges {
    match own.vault.notice(own.ctx.store.record_outcomes(own.fence(), &changes).await) {
        Ok(moved) => {
            fail::fail_point!("S5-stored");
            let mut settled = Vec::with_capacity(changes.len());
            for StatusChange { id, outcome, .. } in changes {
                // A message that was not queued any more has been sent or has failed by another's word, or by this one in a commit
                // whose answer was lost. An acknowledgement is true all the same; of a failure the row tells.
                if outcome == Outcome::Sent || moved.contains(&id) {
                    own.ctx.outcomes.report(&id, outcome);
                } else if let Some(outcome) = ended(&own, &id).await {
                    own.ctx.outcomes.report(&id, outcome);
                }
                settled.push(id);
            }
            WrittenChanges { back: Vec::new(), settled }
        }
        // Somebody else has the session: the messages are theirs.
        Err(store::Error::Fenced) => WrittenChanges { back: Vec::new(), settled: Vec::new() },
        Err(error) => {
            tracing::warn!(%error, "outcomes were not stored; they are offered again");
            tokio::time::sleep(PAUSE).await;
            WrittenChanges { back: changes, settled: Vec::new() }
        }
    }
}
