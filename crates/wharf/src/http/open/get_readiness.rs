use std::time::Duration;

use wharf_api::types::health::Health;

use crate::http::envelope::{Failure, Reply};
use crate::http::{Answer, Call};

/// Whoever asks has a time-out of its own, and a slow database is as good as none.
const PATIENCE: Duration = Duration::from_secs(2);

pub(in crate::http) async fn get_readiness(call: Call) -> Answer {
    if call.http.is_draining() {
        return Err(Failure::unavailable("the server is stopping", 1));
    }
    match tokio::time::timeout(PATIENCE, call.services().store.ping()).await {
        Ok(Ok(())) if call.services().meter.stopped_intakes.read() > 0 => {
            Err(Failure::unavailable("the database answers and refuses to keep what comes in; the log says why", 1))
        }
        Ok(Ok(())) if let Some(fault) = call.services().readiness.fault() => Err(Failure::unavailable(fault, 1)),
        Ok(Ok(())) => {
            // All goes on, and slower: a fleet whose NATS is away must not lose all its nodes at once.
            let status = if call.services().others.reachable() == Some(false) { "degraded" } else { "ready" };
            Ok(Reply::ok(Health { status: status.to_owned() })?.no_store())
        }
        Ok(Err(error)) => {
            let mut failure = Failure::unavailable("the database does not answer", 1);
            failure.cause = Some(error.into());
            Err(failure)
        }
        Err(_) => Err(Failure::unavailable("the database does not answer in time", 1)),
    }
}
