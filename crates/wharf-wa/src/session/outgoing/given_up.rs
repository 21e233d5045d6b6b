//! The end of what an account did not send while it was linked.

use wharf_core::message::overdue;
use wharf_core::store::{self, Outgoing, StatusChange};

use super::queue;
use crate::session::Own;

/// Fails the messages that are queued, now that their account is gone, so that whoever waits hears of it. Their time was ended when the
/// link was: what cannot be written here is done by the worker that ends overdue messages.
pub(in crate::session) async fn give_up_queue(own: &Own) {
    if let Err(error) = fail_queued(own).await {
        tracing::warn!(%error, "the queue of an ended link fails later");
    }
}

async fn fail_queued(own: &Own) -> Result<(), store::Error> {
    let mut after = 0;
    loop {
        let rows = own.ctx.store.queued_messages(own.session(), after, queue::PAGE).await?;
        let Some((last, _)) = rows.last() else { return Ok(()) };
        after = *last;
        let at = own.ctx.clock.now();
        let end = |message: Outgoing| StatusChange { id: message.id, outcome: overdue::unlinked(message.attempts > 0), at };
        let changes: Vec<_> = rows.into_iter().map(|(_, message)| end(message)).collect();
        let ended = own.ctx.store.record_outcomes(own.fence(), &changes).await?;
        for StatusChange { id, outcome, .. } in changes.into_iter().filter(|change| ended.contains(&change.id)) {
            own.ctx.outcomes.report(&id, outcome);
            own.ctx.meter().sends.failed.one();
        }
    }
}
