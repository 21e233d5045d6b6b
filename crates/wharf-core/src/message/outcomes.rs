//! Who waits for which message to end: the bridge from the engine's report to the request that sent it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::oneshot;
use wharf_api::ids::MessageId;

use crate::store::Outcome;

/// How many claims are remembered that nobody took up. Those beyond count as tries that were made.
const CLAIMS: usize = 4_096;

/// Is told of a message whose end nobody in this process waits for.
type Elsewhere = Box<dyn Fn(&MessageId) + Send + Sync>;

/// The waiting requests of this process. An outcome that nobody waits for is dropped: the row has it.
#[derive(Default)]
pub struct Outcomes {
    waiting: Mutex<HashMap<MessageId, oneshot::Sender<Outcome>>>,
    /// The messages whose first try was counted when this process accepted them, and is not made yet.
    claimed: Mutex<HashSet<MessageId>>,
    elsewhere: OnceLock<Elsewhere>,
}

impl Outcomes {
    /// Has `tell` called for each message that ends, or is held back, without a request here that waits: one on another node may.
    pub fn tell_elsewhere(&self, tell: impl Fn(&MessageId) + Send + Sync + 'static) {
        // Whoever came first stays: a process has one fleet.
        let _ = self.elsewhere.set(Box::new(tell));
    }

    fn pass_on(&self, id: &MessageId) {
        if let Some(tell) = self.elsewhere.get() {
            tell(id);
        }
    }

    /// Another node says that the message ended or is held back: the request that waits looks at the row.
    pub fn look(&self, id: &MessageId) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// Begins to wait. To be called before the engine can know of the message.
    pub fn expect(self: &Arc<Self>, id: &MessageId) -> Expected {
        let (sender, receiver) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), sender);
        Expected { hub: Arc::clone(self), id: id.clone(), receiver }
    }

    /// The first try of the message will have been counted when the engine sees it.
    pub fn claim(&self, id: &MessageId) {
        let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        if claimed.len() >= CLAIMS {
            claimed.clear();
        }
        claimed.insert(id.clone());
    }

    /// Whether that was so, once: it is for the try that is made next.
    pub fn take_claim(&self, id: &MessageId) -> bool {
        self.claimed.lock().unwrap_or_else(PoisonError::into_inner).remove(id)
    }

    /// Ends the wait for a message that will not end soon: it is held back, and the request answers so.
    pub fn let_go(&self, id: &MessageId) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        if waiting.is_none() {
            self.pass_on(id);
        }
    }

    /// Reports how a message ended, after that is durable.
    pub fn report(&self, id: &MessageId, outcome: Outcome) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        if let Some(waiting) = waiting {
            // The request may have stopped waiting; the row has the outcome.
            let _ = waiting.send(outcome);
        } else {
            self.pass_on(id);
        }
    }
}

/// What a request hears that waits.
#[derive(Debug, PartialEq, Eq)]
pub enum Word {
    Nothing,
    Ended(Outcome),
    /// There is something to be seen in the database. It is said once.
    Look,
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

    /// What is said of the message within `patience`; for whoever goes on waiting where that is nothing.
    pub async fn word(&mut self, patience: std::time::Duration) -> Word {
        match tokio::time::timeout(patience, &mut self.receiver).await {
            Err(_) => Word::Nothing,
            Ok(Ok(outcome)) => Word::Ended(outcome),
            Ok(Err(_)) => Word::Look,
        }
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.hub.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}
