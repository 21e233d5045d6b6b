//! Who waits for which message to end: the bridge from the engine's report to the request that sent it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;
use wharf_api::ids::MessageId;

use crate::store::Outcome;

/// The waiting requests of this process. An outcome that nobody waits for is dropped: the row has it.
#[derive(Default)]
pub struct Outcomes {
    waiting: Mutex<HashMap<MessageId, oneshot::Sender<Outcome>>>,
}

impl Outcomes {
    /// Begins to wait. To be called before the engine can know of the message.
    pub fn expect(self: &Arc<Self>, id: &MessageId) -> Expected {
        let (sender, receiver) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), sender);
        Expected { hub: Arc::clone(self), id: id.clone(), receiver }
    }

    /// Ends the wait for a message that will not end soon: it is held back, and the request answers so.
    pub fn let_go(&self, id: &MessageId) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// Reports how a message ended, after that is durable.
    pub fn report(&self, id: &MessageId, outcome: Outcome) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        if let Some(waiting) = waiting {
            // The request may have stopped waiting; the row has the outcome.
            let _ = waiting.send(outcome);
        }
    }
}

/// One request that waits. Dropping it ends the wait.
pub struct Expected {
    hub: Arc<Outcomes>,
    id: MessageId,
    receiver: oneshot::Receiver<Outcome>,
}

impl Expected {
    /// The outcome, or `None` where none came within `patience`.
    pub async fn wait(mut self, patience: std::time::Duration) -> Option<Outcome> {
        tokio::time::timeout(patience, &mut self.receiver).await.ok()?.ok()
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.hub.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}
