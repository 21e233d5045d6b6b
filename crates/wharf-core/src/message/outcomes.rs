//! Who waits for which message to end: the bridge from the engine's report to the request that sent it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use wharf_api::ids::MessageId;

use crate::store::Outcome;
use crate::waiters::{Waiter, Waiters};

/// How many claims are remembered that nobody took up. Those beyond count as tries that were made.
const CLAIMS: usize = 4_096;

/// Is told of a message whose end nobody in this process waits for.
type Elsewhere = Box<dyn Fn(&MessageId) + Send + Sync>;

/// The waiting requests of this process. An outcome that nobody waits for is dropped: the row has it.
#[derive(Default)]
pub struct Outcomes {
    waiting: Arc<Waiters<MessageId, Outcome>>,
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
        self.waiting.dismiss(id);
    }

    /// Begins to wait. To be called before the engine can know of the message.
    pub fn expect(&self, id: &MessageId) -> Expected {
        Expected(self.waiting.expect(id.clone()))
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

    /// How many were not taken up yet.
    pub fn claims(&self) -> usize {
        self.claimed.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Ends the wait for a message that will not end soon: it is held back, and the request answers so.
    pub fn let_go(&self, id: &MessageId) {
        if !self.waiting.dismiss(id) {
            self.pass_on(id);
        }
    }

    /// Reports how a message ended, after that is durable.
    pub fn report(&self, id: &MessageId, outcome: Outcome) {
        // A request that has just stopped waiting finds the outcome in the row.
        if !self.waiting.tell(id, outcome) {
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
pub struct Expected(Waiter<MessageId, Outcome>);

impl Expected {
    /// The outcome, or `None` where none came within `patience`.
    pub async fn wait(mut self, patience: std::time::Duration) -> Option<Outcome> {
        tokio::time::timeout(patience, self.0.word()).await.ok().flatten()
    }

    /// What is said of the message within `patience`; for whoever goes on waiting where that is nothing.
    pub async fn word(&mut self, patience: std::time::Duration) -> Word {
        match tokio::time::timeout(patience, self.0.word()).await {
            Err(_) => Word::Nothing,
            Ok(Some(outcome)) => Word::Ended(outcome),
            Ok(None) => Word::Look,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use futures::FutureExt as _;
    use proptest::prelude::*;
    use wharf_api::ErrorCode;

    use super::*;
    use crate::samples::message;

    /// Waits in no test: the word is there, or never comes.
    const PATIENCE: Duration = Duration::from_millis(1);

    /// An end that is told apart from those of other messages.
    fn end(of: u128) -> Outcome {
        Outcome::Failed { code: ErrorCode::MessageSendingFailed, reason: of.to_string() }
    }

    /// A hub with the messages of which another node is told.
    fn hub() -> (Arc<Outcomes>, Arc<Mutex<Vec<MessageId>>>) {
        let (hub, told) = (Arc::new(Outcomes::default()), Arc::new(Mutex::new(Vec::new())));
        let heard = Arc::clone(&told);
        hub.tell_elsewhere(move |id| heard.lock().unwrap().push(id.clone()));
        (hub, told)
    }

    #[tokio::test]
    async fn an_end_comes_to_who_waits_for_it_also_where_it_was_faster() {
        let (hub, told) = hub();
        let (mut one, other) = (hub.expect(&message(1)), hub.expect(&message(2)));
        hub.report(&message(2), end(2));
        assert_eq!(other.wait(PATIENCE).await, Some(end(2)));
        assert_eq!(one.word(PATIENCE).await, Word::Nothing);
        hub.report(&message(1), end(1));
        assert_eq!(one.word(PATIENCE).await, Word::Ended(end(1)), "a word that said nothing ends no wait");
        assert!(told.lock().unwrap().is_empty(), "nobody else is told of what somebody here has waited for");
    }

    #[tokio::test]
    async fn who_is_let_go_or_told_to_look_waits_no_more_and_hears_no_end() {
        let (hub, told) = hub();
        let (held, mut elsewhere) = (hub.expect(&message(1)), hub.expect(&message(2)));
        hub.let_go(&message(1));
        hub.look(&message(2));
        assert_eq!(elsewhere.word(PATIENCE).await, Word::Look);
        assert_eq!(held.wait(PATIENCE).await, None);
        assert!(told.lock().unwrap().is_empty());
        hub.let_go(&message(1));
        assert_eq!(*told.lock().unwrap(), [message(1)], "who waits for it is on another node");
        hub.look(&message(1));
        assert_eq!(told.lock().unwrap().len(), 1, "what another node says is not told to others again");
    }

    #[test]
    fn a_claim_is_taken_once_and_too_many_are_forgotten_together() {
        let hub = Outcomes::default();
        hub.claim(&message(1));
        assert_eq!(hub.claims(), 1);
        assert!(hub.take_claim(&message(1)) && !hub.take_claim(&message(1)) && !hub.take_claim(&message(2)));
        for number in 0..CLAIMS as u128 {
            hub.claim(&message(number));
        }
        assert!(hub.take_claim(&message(0)), "so many are remembered");
        hub.claim(&message(0));
        hub.claim(&message(CLAIMS as u128));
        assert!(!hub.take_claim(&message(1)) && hub.take_claim(&message(CLAIMS as u128)));
    }

    /// What happens to the wait for one message.
    #[derive(Clone, Copy, Debug)]
    enum WaitStep {
        Expect,
        GiveUp,
        Report,
    }

    proptest! {
        /// Requests come, give up and are answered in any order: none hears another's end, none hears its own twice, no end is lost between
        /// who waits here and who may wait elsewhere, and nothing is left behind.
        #[test]
        fn each_end_is_told_once_whoever_gives_up_meanwhile(
            steps in proptest::collection::vec((0_u128..4, prop::sample::select(vec![WaitStep::Expect, WaitStep::GiveUp, WaitStep::Report])), 0..80),
        ) {
            let (hub, told) = hub();
            let (mut waiting, mut foreign) = (BTreeMap::new(), 0);
            for (number, step) in steps {
                match step {
                    // An id is chosen anew for each message, so nobody waits for one twice.
                    WaitStep::Expect => {
                        waiting.entry(number).or_insert_with(|| hub.expect(&message(number)));
                    }
                    WaitStep::GiveUp => drop(waiting.remove(&number)),
                    WaitStep::Report => {
                        hub.report(&message(number), end(number));
                        match waiting.remove(&number) {
                            Some(mut expected) => {
                                prop_assert_eq!(expected.0.word().now_or_never(), Some(Some(end(number))));
                            }
                            None => foreign += 1,
                        }
                    }
                }
                prop_assert_eq!(told.lock().unwrap().len(), foreign);
                let here = (0..4).filter(|number| hub.waiting.has(&message(*number))).collect::<Vec<_>>();
                prop_assert_eq!(here, waiting.keys().copied().collect::<Vec<_>>());
            }
            for expected in waiting.values_mut() {
                prop_assert!(expected.0.word().now_or_never().is_none(), "an end that was not its own");
            }
            drop(waiting);
            prop_assert!((0..4).all(|number| !hub.waiting.has(&message(number))));
        }
    }
}
