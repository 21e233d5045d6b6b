//! Whether the session takes in what comes. Where the database refuses for a reason that is no message's own, nothing is acknowledged and
//! no client runs: what could not be kept is tried again by itself, and when that goes through the session goes on.

use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use wharf_core::meter::Raised;
use wharf_core::store;

use super::Own;

/// Does once more what was refused, for whichever client is about to be built.
pub(super) type Trial = Box<dyn Fn(Arc<Own>) -> BoxFuture<'static, Result<(), store::Error>> + Send + Sync>;

/// An intake that stands still.
pub(super) struct Stopped {
    trial: Trial,
    _seen: Raised,
}

/// One client's intake.
#[derive(Default)]
pub(crate) struct Intake(Mutex<IntakeState>);

#[derive(Default)]
enum IntakeState {
    #[default]
    Open,
    Stopped(Stopped),
    /// The client is gone; what its stray tasks still meet is known.
    Taken,
}

impl Intake {
    /// Nothing more is taken in until the trial goes through. The client has to be ended by whoever calls this.
    pub(super) fn stop(own: &Own, error: &store::Error, trial: Trial) {
        let mut state = own.intake.0.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, IntakeState::Open) {
            tracing::error!(%error, "the session takes no messages until the database is mended");
            *state = IntakeState::Stopped(Stopped { trial, _seen: own.ctx.meter().stopped_intakes.raise() });
        }
    }

    pub(super) fn take(&self) -> Option<Stopped> {
        match std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), IntakeState::Taken) {
            IntakeState::Stopped(stopped) => Some(stopped),
            IntakeState::Open | IntakeState::Taken => None,
        }
    }
}

impl Stopped {
    /// Whether the session may go on.
    pub(super) async fn try_again(&self, own: &Arc<Own>) -> bool {
        match own.vault.notice((self.trial)(Arc::clone(own)).await) {
            Ok(()) => {
                tracing::info!("the database takes what came in; the session goes on");
                true
            }
            Err(error) => {
                tracing::debug!(%error, "the database still refuses what came in");
                false
            }
        }
    }
}

/// Whether the database refuses for a reason that is no message's own.
pub(super) const fn is_refusal(error: &store::Error) -> bool {
    matches!(error, store::Error::Refused(_))
}
