//! What is shown in which chat, by which request.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use wharf_api::ids::SessionId;

/// The latest thing shown in each chat, so that an earlier one does not end it.
#[derive(Default)]
pub(crate) struct Typing(Mutex<HashMap<(SessionId, String), u64>>);

impl Typing {
    pub(crate) fn begin(&self, session: &SessionId, chat: &str) -> u64 {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = latest.entry((session.clone(), chat.to_owned())).or_default();
        *turn += 1;
        *turn
    }

    /// Forgets the chat if nothing was shown in it since.
    pub(crate) fn end(&self, session: &SessionId, chat: &str, turn: u64) -> bool {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (session.clone(), chat.to_owned());
        let ends = latest.get(&key) == Some(&turn);
        if ends {
            latest.remove(&key);
        }
        ends
    }
}
