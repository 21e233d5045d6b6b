//! The door of this node: shut while it is unfit, so that nothing is read or written that belongs elsewhere.
//!
//! A node with a lease has heard of every change of the master key: whoever changes it asks such nodes first. Without one it may have slept
//! through anything, and is looked at first: by a call, for all that come within its second. That a lease is over is no reason by itself:
//! what a call brings without a session is as good from any node, and what it does to a session is fenced.

use tokio::time::Instant;
use wharf_api::{ApiError, ErrorCode};

use crate::readiness::{Fitness, Part};
use crate::seal::Unfit;
use crate::services::Services;
use crate::store;

/// Why a node may neither read nor write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    #[error(
        "the database is another one than at the start: the wrong server or volume, or a file that was put in the place of the one that \
         was opened. Bring the right one back, or start this node anew with the one that is meant"
    )]
    Database,
    #[error(transparent)]
    Key(#[from] Unfit),
}

impl Misfit {
    /// What it is of a node that does not fit.
    pub const fn part(self) -> Part {
        match self {
            Self::Database => Part::Same,
            Self::Key(_) => Part::Seal,
        }
    }

    /// What whoever asks whether the node is ready is told of it.
    pub const fn fault(self) -> &'static str {
        match self {
            Self::Database => "the database is another one than at the start; the log says what to do",
            Self::Key(Unfit::Another) => "the database is sealed with a master key that this node does not know; the log says what to do",
            Self::Key(Unfit::Half) => "the master key is being changed, and this node knows only one of the two; the log says what to do",
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("this node may neither read nor write now")]
    Shut,
    #[error("it is not known whether this node may read and write")]
    Store(#[from] store::Error),
}

impl From<&Error> for ApiError {
    fn from(error: &Error) -> Self {
        let reason = match error {
            Error::Shut => "this node may neither read nor write now; another one may",
            Error::Store(_) => "the database does not answer",
        };
        ApiError::new(ErrorCode::ServiceUnavailable).reason(reason).retry_after(2)
    }
}

/// Lets in what reads or writes, where this node may. A call passes before its key is looked at, and whoever has none must not cost the
/// database reads of their own: what a look has found serves the calls of its second. A request that passed takes longer than that anyhow.
pub async fn pass(services: &Services) -> Result<(), Error> {
    pass_as_of(services, Instant::now()).await
}

/// Lets in what came at that time, a moment ago.
pub async fn pass_as_of(services: &Services, came: Instant) -> Result<(), Error> {
    enter(services, came, true).await
}

/// Lets in whoever met what cannot be read: by a look of its own, for what was found a moment ago may be from before.
pub async fn pass_anew(services: &Services) -> Result<(), Error> {
    enter(services, Instant::now(), false).await
}

/// Lets in by what is known, or else by what a look has found: one of a moment ago, where that will do, or one that is made now.
async fn enter(services: &Services, came: Instant, will_do: bool) -> Result<(), Error> {
    let fits = match services.readiness.fitness_at(came) {
        Fitness::Fit => true,
        Fitness::Unfit => false,
        Fitness::Unheard => {
            if let Some(fits) = services.readiness.last_look().filter(|_| will_do) {
                fits
            } else {
                let began = Instant::now();
                let fits = look(services).await?.is_none();
                services.readiness.looked(began, fits);
                fits
            }
        }
    };
    if fits { Ok(()) } else { Err(Error::Shut) }
}

/// Lets go on what has passed before: by what is known, without a look.
pub fn known(services: &Services) -> Result<(), Error> {
    if services.readiness.is_unfit() { Err(Error::Shut) } else { Ok(()) }
}

/// What the database itself says.
async fn look(services: &Services) -> Result<Option<Misfit>, store::Error> {
    if !services.store.is_still(&services.installation).await? {
        return Ok(Some(Misfit::Database));
    }
    Ok(services.seal.follow(&services.store.key_marks().await?).err().map(Misfit::Key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_refused_is_told_when_to_come_back() {
        for error in [Error::Shut, Error::Store(store::Error::Refused("no such table".to_owned()))] {
            let told = ApiError::from(&error);
            assert_eq!((told.code, told.details.retry_after), (ErrorCode::ServiceUnavailable, Some(2)), "{error}");
        }
    }
}
