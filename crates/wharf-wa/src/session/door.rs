//! The door for what comes in past the durability hook: the library acknowledges it by itself. The gate keeps back all that the client
//! writes, the acknowledgement with it, until it is committed; what cannot be committed breaks the connection, so that the network says it
//! again on the next.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use wharf_core::store;

use super::Own;

/// How long a database that does not answer may hold a client back. After that its connection is given up.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(500);

/// Writes something down beside the session's other work, in the order in which it was heard. To be called before the library's listener
/// returns.
pub(super) fn keep<W, F>(own: &Arc<Own>, what: &'static str, write: W)
where
    W: Fn(Arc<Own>) -> F + Send + 'static,
    F: Future<Output = Result<(), store::Error>> + Send,
{
    let (own, hold) = (Arc::clone(own), own.gate.hold());
    tokio::spawn(async move {
        hold.turn().await;
        if commit(&own, what, write).await {
            return hold.written();
        }
        drop(hold);
        own.unstored.notify_one();
    });
}

/// `false` where the network has to say it again.
async fn commit<W, F>(own: &Arc<Own>, what: &'static str, write: W) -> bool
where
    W: Fn(Arc<Own>) -> F,
    F: Future<Output = Result<(), store::Error>>,
{
    let given_up = Instant::now() + PATIENCE;
    loop {
        match own.vault.notice(write(Arc::clone(own)).await) {
            Ok(()) => return true,
            Err(store::Error::Unavailable(_)) if Instant::now() < given_up && !own.vault.is_shut() => tokio::time::sleep(PAUSE).await,
            Err(error @ (store::Error::Unavailable(_) | store::Error::Fenced)) => {
                tracing::warn!(session = %own.session(), %error, what, "this could not be stored; the network has to say it again");
                return false;
            }
            Err(error) => {
                tracing::error!(session = %own.session(), %error, what, "this was left out");
                return true;
            }
        }
    }
}
