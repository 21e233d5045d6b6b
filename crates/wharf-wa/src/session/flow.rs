//! Whether messages flow: what is accepted now goes on the wire at once, so that its acceptance may count its first try.

use std::sync::{Mutex, PoisonError};

use super::client::Tokens;

/// What the pump found last, for as long as the connection lasts that it found it on.
#[derive(Default)]
pub(crate) struct Flow(Mutex<Option<Tokens>>);

impl Flow {
    /// Nothing that is queued waits for anything but its turn.
    pub(super) fn opens(&self, on: &Tokens) {
        *self.lock() = Some(on.clone());
    }

    pub(super) fn closes(&self) {
        *self.lock() = None;
    }

    pub(crate) fn is_open(&self) -> bool {
        self.lock().as_ref().is_some_and(|on| !on.gone.is_cancelled() && !on.drain.is_cancelled())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Tokens>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_ends_with_its_connection() {
        let (flow, tokens) = (Flow::default(), Tokens::default());
        assert!(!flow.is_open());
        flow.opens(&tokens);
        assert!(flow.is_open());
        tokens.gone.cancel();
        assert!(!flow.is_open());
        flow.opens(&Tokens::default());
        flow.closes();
        assert!(!flow.is_open());
    }
}
