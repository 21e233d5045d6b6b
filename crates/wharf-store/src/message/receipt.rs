//! Receipts: how a sent message moves forward.

use wharf_api::Timestamp;
use wharf_api::types::message::MessageStatus;
use wharf_core::store::{Error, Fence, MessageRow, Receipt};

use super::row::{found_by, message_columns, readable};
use super::{change, step};
use crate::dialect::Dialect;
use crate::lane::{Foreseen, Place};
use crate::sql::{FoundKey, Row, Sought, Sql, StepTimes, Tx, args, statements};
use crate::store::SqlStore;
use crate::{event, owner};

macro_rules! found {
    ($wa_id:literal) => {
        concat!(
            "SELECT doubtful, ",
            message_columns!(),
            " FROM messages WHERE session_id = $1 AND direction = 'outgoing' AND wa_id ",
            $wa_id
        )
    };
}

macro_rules! advance {
    ($number:literal) => {
        concat!(
            "UPDATE messages SET status = $2, error_code = NULL, error_reason = NULL, doubtful = 0, failed_at = NULL, \
             sent_at = COALESCE(sent_at, $3), delivered_at = COALESCE(delivered_at, $4), read_at = COALESCE(read_at, $5), \
             played_at = COALESCE(played_at, $6) WHERE number ",
            $number
        )
    };
}

statements! {
    /// Locked until the commit: a worker that fails overdue messages does not come between.
    FIND = found!("= $2"), lock "FOR UPDATE";
    /// Where it was taken for failed, that was wrong.
    ADVANCE = advance!("= $1");
}

/// Those of many at once. SQLite has no lists, and needs none: its statements go nowhere. What is always true of the numbers has PostgreSQL
/// take the list for a short one, and the plan for all lists for as good as one for this: otherwise it plans each time.
const FIND_ALL: Sql = Sql { name: "FIND_ALL", sqlite: FIND.sqlite, postgres: concat!(found!("= ANY($2::TEXT[])"), " FOR UPDATE") };
const ADVANCE_ALL: Sql = Sql {
    name: "ADVANCE_ALL",
    sqlite: ADVANCE.sqlite,
    postgres: advance!("IN (SELECT CAST(l.wanted AS BIGINT) FROM unnest($1::TEXT[]) AS l(wanted) WHERE l.wanted || '' = l.wanted)"),
};

/// Those of a group that begins. There is one of an id at the most: asked for the first from the id up to the id, PostgreSQL takes the
/// index that has them in this order. By other indexes of sessions it would go through the session's log, and to it they may look as good.
pub(crate) const ADVANCING: Sql = Sql {
    name: "ADVANCING",
    sqlite: FIND.sqlite,
    postgres: found_by!(
        "session_id = l.whose AND direction = 'outgoing' AND wa_id >= l.wanted AND wa_id <= l.wanted ORDER BY wa_id LIMIT 1"
    ),
};
pub(super) const LISTS: &[Sql] = &[FIND_ALL, ADVANCE_ALL, ADVANCING];

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

/// A message that a receipt moves.
struct Moving {
    number: i64,
    row: MessageRow,
    /// It was taken for failed.
    corrected: bool,
    steps: &'static [MessageStatus],
    to: MessageStatus,
}

impl Moving {
    /// What the found row says, where the receipt moves it.
    fn of(found: &mut Row, receipt: &Receipt) -> Result<Option<Self>, Error> {
        let doubtful = found.flag()?;
        let Some((number, mut row)) = readable(found)? else { return Ok(None) };
        let corrected = doubtful && row.status == MessageStatus::Failed;
        if corrected {
            row = MessageRow { status: MessageStatus::Queued, error: None, error_reason: None, ..row };
        }
        Ok(Self::new(number, row, corrected, receipt))
    }

    /// A message that stands where its row says, where the receipt moves it.
    fn new(number: i64, row: MessageRow, corrected: bool, receipt: &Receipt) -> Option<Self> {
        let steps = between(row.status, receipt.kind.status());
        steps.last().map(|to| Self { number, row, corrected, steps, to: *to })
    }

    /// Whether it has only become true now that it was sent, and other rows may follow from that.
    fn is_late(&self) -> bool {
        self.steps.contains(&MessageStatus::Sent)
    }

    /// The message that it changes now, by its WhatsApp id.
    fn changes(&self) -> Option<&str> {
        let target = self.row.content.target().filter(|_| self.is_late());
        target.map(|target| target.whatsapp_id.as_str())
    }

    /// Whether other rows than its own follow from its move.
    fn has_followers(&self) -> bool {
        self.corrected || self.changes().is_some()
    }

    fn times(&self, at: Timestamp) -> StepTimes {
        [MessageStatus::Sent, MessageStatus::Delivered, MessageStatus::Read, MessageStatus::Played]
            .map(|column| step::at(self.steps, column, at))
    }

    /// Moves its row.
    async fn go(&self, tx: &mut Tx, at: Timestamp) -> Result<(), Error> {
        if self.corrected {
            step::remove_failure(tx, self.number).await?;
        }
        let [sent, delivered, read, played] = self.times(at);
        tx.execute(&ADVANCE, args![self.number, self.to.as_str(), sent, delivered, read, played]).await.map(drop)
    }

    /// Writes what follows from it, and gives the row as it is then.
    async fn announce(mut self, tx: &mut Tx, at: Timestamp) -> Result<MessageRow, Error> {
        let mut events = Vec::new();
        for status in self.steps {
            self.row.status = *status;
            if *status == MessageStatus::Sent {
                change::take_effect(tx, &self.row).await?;
            }
            events.extend(event::drafts_of(&self.row));
        }
        event::write_of(tx, &self.row, self.number, at, &events).await?;
        Ok(self.row)
    }
}

async fn advance(tx: &mut Tx, fence: &Fence, receipt: &Receipt) -> Result<Vec<MessageRow>, Error> {
    owner::check(tx, fence).await?;
    if receipt.wa_ids.iter().all(|wa_id| moves_with_group(tx, fence, wa_id)) {
        advance_found(tx, fence, receipt).await
    } else if tx.takes_lists() && receipt.wa_ids.len() > 1 {
        advance_all(tx, fence, receipt).await
    } else {
        advance_each(tx, fence, receipt).await
    }
}

/// Whether the group has found the message, or knows that it is not there, and nothing but its events follows from its move.
fn moves_with_group(tx: &Tx, fence: &Fence, wa_id: &str) -> bool {
    match tx.sought(&ADVANCING, &fence.session, wa_id) {
        Sought::There(found) => !found.doubtful && found.row.content.target().is_none(),
        Sought::Absent => true,
        Sought::Unknown => false,
    }
}

/// All are moved with their group.
async fn advance_found(tx: &mut Tx, fence: &Fence, receipt: &Receipt) -> Result<Vec<MessageRow>, Error> {
    let mut moved = Vec::new();
    for wa_id in &receipt.wa_ids {
        let Sought::There(found) = tx.sought(&ADVANCING, &fence.session, wa_id) else { continue };
        if let Some(moving) = Moving::new(found.number, found.row.clone(), false, receipt) {
            tx.advance(moving.number, moving.to, moving.times(receipt.at));
            moved.push(moving.announce(tx, receipt.at).await?);
        }
    }
    Ok(moved)
}

/// Each is read when its turn comes: as those before it have left it.
async fn advance_each(tx: &mut Tx, fence: &Fence, receipt: &Receipt) -> Result<Vec<MessageRow>, Error> {
    let mut moved = Vec::new();
    for wa_id in &receipt.wa_ids {
        let Some(mut found) = tx.first(&FIND, args![&fence.session, wa_id]).await? else { continue };
        if let Some(moving) = Moving::of(&mut found, receipt)? {
            moving.go(tx, receipt.at).await?;
            moved.push(moving.announce(tx, receipt.at).await?);
        }
    }
    Ok(moved)
}

/// All are moved by one look and one change for those that stood where it stood, but for those from whose move something else follows. Where
/// one of them only takes effect by this on another one of them, what was read of that is not what it says then: they are moved one after
/// the other.
async fn advance_all(tx: &mut Tx, fence: &Fence, receipt: &Receipt) -> Result<Vec<MessageRow>, Error> {
    let wa_ids: Vec<&str> = receipt.wa_ids.iter().map(String::as_str).collect();
    let mut all = Vec::new();
    for mut found in tx.fetch(&FIND_ALL, args![&fence.session, &*wa_ids]).await? {
        all.extend(Moving::of(&mut found, receipt)?);
    }
    if all.iter().filter_map(Moving::changes).any(|target| wa_ids.contains(&target)) {
        return advance_each(tx, fence, receipt).await;
    }
    all.sort_by_key(|moving| wa_ids.iter().position(|wa_id| *wa_id == moving.row.wa_id));
    let (followed, usual): (Vec<_>, Vec<_>) = all.into_iter().partition(Moving::has_followers);
    let mut moved = Vec::new();
    for moving in followed {
        moving.go(tx, receipt.at).await?;
        moved.push(moving.announce(tx, receipt.at).await?);
    }
    for from in [MessageStatus::Queued, MessageStatus::Sent, MessageStatus::Delivered, MessageStatus::Read] {
        let those: Vec<&Moving> = usual.iter().filter(|moving| moving.row.status == from).collect();
        let Some(first) = those.first() else { continue };
        let numbers: Vec<String> = those.iter().map(|moving| moving.number.to_string()).collect();
        let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
        // All of them have the same steps before them.
        let [sent, delivered, read, played] = first.times(receipt.at);
        tx.execute(&ADVANCE_ALL, args![&*numbers, first.to.as_str(), sent, delivered, read, played]).await?;
    }
    for moving in usual {
        moved.push(moving.announce(tx, receipt.at).await?);
    }
    Ok(moved)
}

impl SqlStore {
    pub(super) async fn record_receipt(&self, fence: &Fence, receipt: &Receipt) -> Result<Vec<MessageRow>, Error> {
        let mut moved = Vec::new();
        for part in receipt.wa_ids.chunks(AT_ONCE) {
            let (owned, part) = (fence.clone(), Receipt { wa_ids: part.to_vec(), ..receipt.clone() });
            let kept = vec![owner::kept(fence)?, event::kept(&fence.account, &fence.session)?];
            let foreseen = Foreseen { kept, moved: self.advancing(fence, &part.wa_ids) };
            let advanced =
                self.write_foreseen(Place::fenced(fence), foreseen, move |tx| Box::pin(async move { advance(tx, &owned, &part).await }));
            moved.extend(advanced.await?);
        }
        Ok(moved)
    }

    /// What a group is to find for a receipt.
    fn advancing(&self, fence: &Fence, wa_ids: &[String]) -> Vec<FoundKey> {
        if self.readers.dialect() == Dialect::Sqlite {
            return Vec::new();
        }
        wa_ids.iter().filter_map(|wa_id| FoundKey::new(&ADVANCING, &fence.session, wa_id)).collect()
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
