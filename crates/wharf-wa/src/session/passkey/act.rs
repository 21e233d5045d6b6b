//! What is done in a ceremony with a passkey, and what WhatsApp says to it.

use tokio::sync::oneshot;
use wharf_api::types::passkey::PasskeyStep;
use wharf_core::engine::{Error, Signed};
use whatsapp_rust::passkey::PasskeyError;

/// What somebody does about a passkey.
pub(crate) enum Act {
    Submit(Signed),
    /// Whether the phone shows the same code.
    Confirm {
        same: bool,
    },
}

pub(crate) type Reply = oneshot::Sender<Result<(), Error>>;

/// What WhatsApp answered to one step.
pub(crate) struct Answered {
    pub(super) step: PasskeyStep,
    pub(super) result: Result<Result<(), PasskeyError>, tokio::time::error::Elapsed>,
    pub(super) reply: Option<Reply>,
}
