//! The acknowledgement of a receipt, held back at the gate until the receipt's row is written. The library acknowledges receipts by itself,
//! and the network says none a second time.
//!
//! Everything that the client writes waits with it, so this is bounded: only a few receipts are held back at once (in a storm the rest is
//! acknowledged at once, and a crash may lose it), and a database that is away breaks the connection in the end.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::gate::{AckGate, Hold};
use crate::session::Own;

/// How many holds of one client there are at the most.
const MOST: usize = 16;
/// How long a database that is away may hold a client back. After that its connection is given up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Lets go when it is dropped.
pub(in crate::session) struct Kept {
    hold: Mutex<Option<Hold>>,
    gate: Arc<AckGate>,
    until: Instant,
}

impl Kept {
    /// To be called before the library's listener returns. `None` where too much is held back already.
    pub(in crate::session) fn back(own: &Own) -> Option<Self> {
        let hold = own.gate.hold_among(MOST)?;
        Some(Self { hold: Mutex::new(Some(hold)), gate: Arc::clone(&own.gate), until: Instant::now() + PATIENCE })
    }

    /// Whether it has held this client back for too long.
    pub(super) fn is_over(&self, own: &Own) -> bool {
        self.until <= Instant::now() && Arc::ptr_eq(&self.gate, &own.gate) && self.hold().is_some()
    }

    /// Never lets the acknowledgement out: the connection breaks.
    pub(super) fn lose(&self) {
        drop(self.hold().take());
    }

    fn hold(&self) -> std::sync::MutexGuard<'_, Option<Hold>> {
        self.hold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(hold) = self.hold().take() {
            hold.written();
        }
    }
}
