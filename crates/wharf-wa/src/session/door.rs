//! The door for what comes in past the durability hook: the library acknowledges it by itself. The gate keeps back all that the client
//! writes, the acknowledgement with it, until it is committed; what cannot be committed breaks the connection, so that the network says it
//! again on the next.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use wharf_core::store;

use super::Own;
use super::intake::{self, Intake};
use crate::task;

/// How long a database that does not answer may hold a client back. After that its connection is given up.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(500);

/// Writes something down beside the session's other work, in the order in which it was heard. To be called before the library's listener
/// returns.
pub(super) fn keep<W, F>(own: &Arc<Own>, what: &'static str, write: W)
where
    W: Fn(Arc<Own>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), store::Error>> + Send + 'static,
{
    let (own, hold) = (Arc::clone(own), own.gate.hold());
    task::spawn(async move {
        hold.turn().await;
        // Of what a client says whose vault is shut nobody knows whether it is so.
        if own.vault.is_shut() {
            drop(hold);
            return own.unstored.notify_one();
        }
        match commit(&own, &write).await {
            Ok(()) => return hold.written(),
            // Its own bytes are at fault: it would come again for ever.
            Err(error @ store::Error::Corrupt(_)) => {
                tracing::error!(%error, what, "this was left out");
                return hold.written();
            }
            Err(error) if intake::is_refusal(&error) => Intake::stop(&own, &error, Box::new(move |own| Box::pin(write(own)))),
            Err(error) => {
                tracing::warn!(%error, what, "this could not be stored; the network has to say it again");
            }
        }
        drop(hold);
        own.unstored.notify_one();
    });
}

async fn commit<W, F>(own: &Arc<Own>, write: &W) -> Result<(), store::Error>
where
    W: Fn(Arc<Own>) -> F,
    F: Future<Output = Result<(), store::Error>>,
{
    let given_up = Instant::now() + PATIENCE;
    loop {
        match own.vault.notice(write(Arc::clone(own)).await) {
            Err(store::Error::Unavailable(_)) if Instant::now() < given_up && !own.vault.is_shut() => tokio::time::sleep(PAUSE).await,
            done => return done,
        }
    }
}
