//! Receipts: how a sent message moves forward.

use wharf_api::types::message::MessageStatus;
use wharf_core::message::events_of;
use wharf_core::store::{Error, Fence, MessageRow, Receipt};

use super::row::{message_columns, readable};
use super::{change, step};
use crate::lane::Place;
use crate::sql::{Tx, args, statements};
use crate::store::SqlStore;
use crate::{event, owner};

statements! {
    /// Locked until the commit: a worker that fails overdue messages does not come between.
    FIND = concat!(
        "SELECT doubtful, ", message_columns!(), " FROM messages WHERE session_id = $1 AND wa_id = $2 AND direction = 'outgoing'"
    ), lock "FOR UPDATE";
    /// Where it was taken for failed, that was wrong.
    ADVANCE = "UPDATE messages SET status = $2, error_code = NULL, error_reason = NULL, doubtful = 0, failed_at = NULL, \
        sent_at = COALESCE(sent_at, $3), delivered_at = COALESCE(delivered_at, $4), read_at = COALESCE(read_at, $5), \
        played_at = COALESCE(played_at, $6) WHERE number = $1";
}

/// The way of a message, in order. `failed` is not on it: a message that failed stays so, unless nobody knew whether it arrived; that one
/// goes on as if it had been queued.
const WAY: [MessageStatus; 5] =
    [MessageStatus::Queued, MessageStatus::Sent, MessageStatus::Delivered, MessageStatus::Read, MessageStatus::Played];

/// How many messages one commit moves: each takes up to fifteen statements. What is told twice moves nothing the second time.
const AT_ONCE: usize = 16;

/// The statuses between `from` and `to`, with `to`; none where that is no way forward.
fn between(from: MessageStatus, to: MessageStatus) -> &'static [MessageStatus] {
    let place = |status| WAY.iter().position(|on_way| *on_way == status);
    match (place(from), place(to)) {
        (Some(from), Some(to)) if from < to => &WAY[from + 1..=to],
        _ => &[],
    }
}

async fn advance(tx: &mut Tx, fence: &Fence, receipt: &Receipt) -> Result<Vec<MessageRow>, Error> {
    owner::check(tx, fence).await?;
    let mut moved = Vec::new();
    for wa_id in &receipt.wa_ids {
        let Some(mut found) = tx.first(&FIND, args![&fence.session, wa_id]).await? else { continue };
        let doubtful = found.flag()?;
        let Some((number, mut row)) = readable(&mut found)? else { continue };
        let corrected = doubtful && row.status == MessageStatus::Failed;
        if corrected {
            row = MessageRow { status: MessageStatus::Queued, error: None, error_reason: None, ..row };
        }
        let steps = between(row.status, receipt.kind.status());
        let Some(last) = steps.last() else { continue };
        if corrected {
            step::remove_failure(tx, number).await?;
        }
        let at = |column| step::at(steps, column, receipt.at);
        let [sent, delivered, read, played] =
            [MessageStatus::Sent, MessageStatus::Delivered, MessageStatus::Read, MessageStatus::Played].map(at);
        tx.execute(&ADVANCE, args![number, last.as_str(), sent, delivered, read, played]).await?;
        let mut events = Vec::new();
        for status in steps {
            row.status = *status;
            if *status == MessageStatus::Sent {
                change::take_effect(tx, &row).await?;
            }
            events.extend(event::drafts(events_of(&row)));
        }
        event::write(tx, &row.account, &row.session, receipt.at, &events).await?;
        moved.push(row);
    }
    Ok(moved)
}

impl SqlStore {
    pub(super) async fn record_receipt(&self, fence: &Fence, receipt: &Receipt) -> Result<Vec<MessageRow>, Error> {
        let mut moved = Vec::new();
        for part in receipt.wa_ids.chunks(AT_ONCE) {
            let (owned, part) = (fence.clone(), Receipt { wa_ids: part.to_vec(), ..receipt.clone() });
            let advanced = self.write_light(Place::fenced(fence), move |tx| Box::pin(async move { advance(tx, &owned, &part).await }));
            moved.extend(advanced.await?);
        }
        Ok(moved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_moves_over_every_step_between_and_never_back() {
        use MessageStatus::{Delivered, Failed, Played, Queued, Read, Received, Sent};
        assert_eq!(between(Queued, Read), [Sent, Delivered, Read]);
        assert_eq!(between(Delivered, Played), [Read, Played]);
        assert!(between(Read, Delivered).is_empty());
        assert!(between(Read, Read).is_empty());
        assert!(between(Failed, Delivered).is_empty());
        assert!(between(Received, Read).is_empty());
    }
}
