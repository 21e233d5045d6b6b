//! Messages on the wire and who waits for the server's word on them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;
use wharf_core::waiters::{Waiter, Waiters};

use super::keyed::Keyed;

/// What became of a message that was written to the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The server acknowledged it, or a receipt proves that it has it.
    Acknowledged,
    /// The server refused it, with this code.
    Refused(String),
}

/// How many of them are remembered until the library has offered their secrets to be kept. What is forgotten is kept twice.
const FROZEN: usize = 4_096;

/// The messages of one client that are on the wire, by their WhatsApp id.
#[derive(Default)]
pub(crate) struct Flight {
    /// Whom the messages that are being written are sealed for.
    pub(crate) keyed: Keyed,
    waiting: Arc<Waiters<String, Answer>>,
    /// Those whose secret lies frozen with them.
    frozen: Mutex<HashSet<String>>,
}

impl Flight {
    /// Begins to wait. To be called before the message is handed to the library.
    pub(crate) fn expect(&self, wa_id: &str) -> Awaited {
        Awaited(self.waiting.expect(wa_id.to_owned()))
    }

    pub(crate) fn answer(&self, wa_id: &str, answer: Answer) {
        self.waiting.tell(wa_id, answer);
    }

    /// Whether a message of this id came through the API and is being sent right now.
    pub(crate) fn carries(&self, wa_id: &str) -> bool {
        self.waiting.has(wa_id)
    }

    /// The secret of this message can be had from its row.
    pub(crate) fn note_frozen(&self, wa_id: &str) {
        let mut frozen = self.frozen.lock().unwrap_or_else(PoisonError::into_inner);
        if frozen.len() >= FROZEN {
            frozen.clear();
        }
        frozen.insert(wa_id.to_owned());
    }

    /// Whether that is so, once.
    pub(crate) fn take_frozen(&self, wa_id: &str) -> bool {
        self.frozen.lock().unwrap_or_else(PoisonError::into_inner).remove(wa_id)
    }
}

/// One message that waits. Dropping it ends the wait.
pub(crate) struct Awaited(Waiter<String, Answer>);

impl Awaited {
    /// The answer; never returns where none comes.
    pub(crate) async fn answer(&mut self) -> Answer {
        match self.0.word().await {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }

    /// The answer, if it comes before `gone` and within `limit`. One that came counts, whatever else happened in the same moment.
    pub(crate) async fn answer_before(&mut self, gone: &CancellationToken, limit: std::time::Duration) -> Result<Answer, FlightSilence> {
        let silence = tokio::select! {
            biased;
            answer = self.answer() => return Ok(answer),
            () = gone.cancelled() => FlightSilence::Gone,
            () = tokio::time::sleep(limit) => FlightSilence::Late,
        };
        self.come().ok_or(silence)
    }

    /// The answer, if it is there.
    pub(crate) fn come(&mut self) -> Option<Answer> {
        self.0.come()
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlightSilence {
    /// The connection is gone.
    Gone,
    /// None came in time.
    Late,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_that_came_counts_though_the_connection_went_in_the_same_moment() {
        for _ in 0..64 {
            let flight = Arc::<Flight>::default();
            let mut awaited = flight.expect("A");
            let gone = CancellationToken::new();
            flight.answer("A", Answer::Acknowledged);
            gone.cancel();
            assert_eq!(awaited.answer_before(&gone, std::time::Duration::ZERO).await, Ok(Answer::Acknowledged));
        }
    }

    #[tokio::test]
    async fn without_an_answer_it_is_told_why() {
        let flight = Arc::<Flight>::default();
        let (mut awaited, gone) = (flight.expect("A"), CancellationToken::new());
        assert_eq!(awaited.answer_before(&gone, std::time::Duration::ZERO).await, Err(FlightSilence::Late));
        gone.cancel();
        assert_eq!(awaited.answer_before(&gone, std::time::Duration::from_mins(1)).await, Err(FlightSilence::Gone));
    }
}
