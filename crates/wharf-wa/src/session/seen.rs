//! When the network was last heard of: every byte that comes in counts, the answers to keep-alive pings among them.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use wharf_api::Timestamp;
use whatsapp_rust::client::Client;

/// Looks at the client that the session has now.
#[derive(Default)]
pub(crate) struct LastHeard(Mutex<Weak<Client>>);

impl LastHeard {
    pub(super) fn follow(&self, client: &Arc<Client>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(client);
    }

    /// `None` before the first byte of a connection.
    pub(crate) fn at(&self) -> Option<Timestamp> {
        let client = self.0.lock().unwrap_or_else(PoisonError::into_inner).upgrade()?;
        let millis = i64::try_from(client.stats().last_data_received_ms).ok()?;
        (millis > 0).then(|| Timestamp::from_millis(millis))
    }
}
