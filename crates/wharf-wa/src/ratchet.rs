//! Sees to it that nothing leaves that was encrypted with a key which only memory has.
//!
//! A message that comes in turns the ratchet: the library makes a fresh random key for what is sent next, and saves it some 25 ms later.
//! Its own guard before the wire protects counters, not that key. An answer that leaves earlier and a process that dies then leave the
//! other side with a step that nobody can follow. So whatever may hold an encrypted message waits here until the keys are saved.

use std::sync::{Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use tokio::time::{Instant, timeout};
use whatsapp_rust::client::Client;

/// From a message's arrival until its key is made and saved by the library itself passes no more: what cannot be committed for so long
/// breaks its connection.
const TURNING: Duration = Duration::from_secs(20);
/// The shortest message that Signal encrypts has 66 bytes, the cipher of the connection adds 16 and a length of 3. What is shorter,
/// as most acknowledgements and receipts are, waits for nothing.
const SHORTEST: usize = 85;
/// How long one saving may take, and how long a database that is away is waited for before the connection is given up.
const SAVING: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(250);

/// The keys could not be saved.
#[derive(Debug, thiserror::Error)]
#[error("the keys that a message was encrypted with could not be saved")]
pub(crate) struct Unsaved;

#[derive(Default)]
pub(crate) struct Ratchet {
    client: OnceLock<Weak<Client>>,
    /// When the last message came that may have turned a ratchet.
    turned: Mutex<Option<Instant>>,
}

impl Ratchet {
    /// Whose keys they are.
    pub(crate) fn of(&self, client: Weak<Client>) {
        // One client has one gate.
        let _ = self.client.set(client);
    }

    /// A message came in and is about to be decrypted.
    pub(crate) fn turns(&self) {
        *self.turned.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn is_turning(&self) -> bool {
        let turned = *self.turned.lock().unwrap_or_else(PoisonError::into_inner);
        turned.is_some_and(|at| at.elapsed() < TURNING)
    }

    /// Waits until every key is saved that something of this length can have been encrypted with.
    pub(crate) async fn saved(&self, length: usize) -> Result<(), Unsaved> {
        if length < SHORTEST || !self.is_turning() {
            return Ok(());
        }
        let given_up = Instant::now() + PATIENCE;
        loop {
            // Before the client is known it has no keys of anybody.
            let Some(client) = self.client.get().and_then(Weak::upgrade) else { return Ok(()) };
            let saved = timeout(SAVING, client.flush_pending_signal_state()).await;
            drop(client);
            match saved {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(_)) if Instant::now() < given_up => tokio::time::sleep(PAUSE).await,
                _ => return Err(Unsaved),
            }
        }
    }
}
