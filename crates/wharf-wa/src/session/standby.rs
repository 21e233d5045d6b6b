//! What a session does that WhatsApp does not let in for a reason that no try of its own can mend: it waits, and says for what.

mod wait;

use crate::standing::Knocked;

/// What a session remembers of its refusals between two clients.
#[derive(Default)]
pub(super) struct Standby {
    knocked: Option<Knocked>,
    /// It tries for all.
    turn: bool,
}
