//! Messages on the wire and who waits for the server's word on them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::keyed::Keyed;

/// What became of a message that was written to the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The server acknowledged it, or a receipt proves that it has it.
    Acknowledged,
    /// The server refused it, with this code.
    Refused(String),
}

/// The messages of one client that are on the wire, by their WhatsApp id.
#[derive(Default)]
pub(crate) struct Flight {
    /// Whom the message that is being written is sealed for.
    pub(crate) keyed: Keyed,
    waiting: Mutex<HashMap<String, oneshot::Sender<Answer>>>,
}

impl Flight {
    /// Begins to wait. To be called before the message is handed to the library.
    pub(crate) fn expect(self: &Arc<Self>, wa_id: &str) -> Awaited {
        let (sender, receiver) = oneshot::channel();
        self.lock().insert(wa_id.to_owned(), sender);
        Awaited { flight: Arc::clone(self), wa_id: wa_id.to_owned(), receiver }
    }

    pub(crate) fn answer(&self, wa_id: &str, answer: Answer) {
        let waiting = self.lock().remove(wa_id);
        if let Some(waiting) = waiting {
            // Who waited may have given up in this very moment.
            let _ = waiting.send(answer);
        }
    }

    /// Whether a message of this id came through the API and is being sent right now.
    pub(crate) fn carries(&self, wa_id: &str) -> bool {
        self.lock().contains_key(wa_id)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, oneshot::Sender<Answer>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One message that waits. Dropping it ends the wait.
pub(crate) struct Awaited {
    flight: Arc<Flight>,
    wa_id: String,
    receiver: oneshot::Receiver<Answer>,
}

impl Awaited {
    /// The answer; never returns where none comes.
    pub(crate) async fn answer(&mut self) -> Answer {
        match (&mut self.receiver).await {
            Ok(answer) => answer,
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        self.flight.lock().remove(&self.wa_id);
    }
}
