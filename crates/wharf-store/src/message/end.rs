//! How the tries of a queued message end: sent, or failed for good.

use wharf_api::ErrorCode;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, MessageId};
use wharf_api::types::message::MessageStatus;
use wharf_core::store::{Error, Fence, MessageRow, Outcome, StatusChange};

use super::change;
use super::row::{found_by, message_columns, readable, still_queued};
use crate::dialect::Dialect;
use crate::lane::{Foreseen, Place};
use crate::sql::{FoundKey, Row, Sought, Sql, Tx, args, statements};
use crate::store::SqlStore;
use crate::{event, owner};

macro_rules! end {
    ($column:literal) => {
        concat!(
            "UPDATE messages SET status = $3, error_code = $4, error_reason = $5, doubtful = $6, sent_at = $7, failed_at = $8 \
             WHERE id = $1 AND ",
            still_queued!($column, "$2")
        )
    };
}

statements! {
    END = end!("session_id"), postgres concat!(" RETURNING ", message_columns!());
    ENDED = concat!("SELECT ", message_columns!(), " FROM messages WHERE id = $1 AND session_id = $2");
    END_UNOWNED = end!("account_id"), postgres concat!(" RETURNING ", message_columns!());
    ENDED_UNOWNED = concat!("SELECT ", message_columns!(), " FROM messages WHERE id = $1 AND account_id = $2");
}

/// Those of many that were sent. SQLite has no lists, and needs none: its statement goes nowhere.
const SENT_ALL: Sql = Sql {
    name: "SENT_ALL",
    sqlite: ENDED.sqlite,
    postgres: concat!(
        "UPDATE messages SET status = 'sent', error_code = NULL, error_reason = NULL, doubtful = 0, sent_at = CAST(l.moment AS BIGINT), \
         failed_at = NULL FROM unnest($2::TEXT[], $3::TEXT[]) AS l(wanted, moment) \
         WHERE id = l.wanted AND ",
        still_queued!("session_id", "$1"),
        " RETURNING ",
        message_columns!()
    ),
};

/// The messages whose tries end, for a group that begins. They are looked for as [`END`] does it.
pub(crate) const ENDING: Sql =
    Sql { name: "ENDING", sqlite: ENDED.sqlite, postgres: found_by!("id = l.wanted AND session_id || '' = l.whose") };
pub(super) const LISTS: &[Sql] = &[SENT_ALL, ENDING];

/// How many tries one commit ends: each takes up to ten statements. What has ended changes no more.
const AT_ONCE: usize = 20;

/// What an outcome makes of the message's row.
struct Columns<'a> {
    status: &'static str,
    code: Option<&'static str>,
    reason: Option<&'a str>,
    /// It may be another outcome.
    unknown: bool,
    sent_at: Option<Timestamp>,
    failed_at: Option<Timestamp>,
}

fn columns(change: &StatusChange) -> Columns<'_> {
    let failed = |code: ErrorCode, reason, unknown| Columns {
        status: MessageStatus::Failed.as_str(),
        code: Some(code.name()),
        reason: Some(reason),
        unknown,
        sent_at: None,
        failed_at: Some(change.at),
    };
    match &change.outcome {
        Outcome::Sent => Columns {
            status: MessageStatus::Sent.as_str(),
            code: None,
            reason: None,
            unknown: false,
            sent_at: Some(change.at),
            failed_at: None,
        },
        Outcome::Failed { code, reason } => failed(*code, reason, false),
        Outcome::Unknown { code, reason } => failed(*code, reason, true),
    }
}

/// Writes what follows from the changed row; `None` where no row changed.
async fn announce(tx: &mut Tx, changed: Option<Row>, at: Timestamp) -> Result<Option<MessageId>, Error> {
    let Some(mut changed) = changed else { return Ok(None) };
    // The try has ended all the same; there is nobody to tell what it said.
    let Some((number, row)) = readable(&mut changed)? else { return Ok(None) };
    tell(tx, number, row, at).await.map(Some)
}

async fn tell(tx: &mut Tx, number: i64, row: MessageRow, at: Timestamp) -> Result<MessageId, Error> {
    if row.status == MessageStatus::Sent {
        change::take_effect(tx, &row).await?;
    }
    event::write_of(tx, &row, number, at, &event::drafts_of(&row)).await?;
    Ok(row.id)
}

/// Ends the tries of messages of a session; gives those that ended by it.
async fn end(tx: &mut Tx, fence: &Fence, changes: &[StatusChange]) -> Result<Vec<MessageId>, Error> {
    owner::check(tx, fence).await?;
    if changes.iter().all(|change| ends_with_group(tx, fence, change)) {
        return end_found(tx, fence, changes).await;
    }
    if tx.takes_lists() && changes.len() > 1 && changes.iter().all(|change| change.outcome == Outcome::Sent) {
        return end_sent(tx, fence, changes).await;
    }
    let mut ended = Vec::new();
    for change in changes {
        let to = columns(change);
        let args = args![&change.id, &fence.session, to.status, to.code, to.reason, to.unknown, to.sent_at, to.failed_at];
        let row = tx.change(&END, &ENDED, args).await?;
        ended.extend(announce(tx, row, change.at).await?);
    }
    Ok(ended)
}

/// Whether the group has found what was sent, or knows that it is not there, and no other message changes by it.
fn ends_with_group(tx: &Tx, fence: &Fence, change: &StatusChange) -> bool {
    change.outcome == Outcome::Sent
        && match tx.sought(&ENDING, &fence.session, change.id.as_str()) {
            Sought::There(found) => found.row.content.target().is_none(),
            Sought::Absent => true,
            Sought::Unknown => false,
        }
}

/// All that were sent end with their group.
async fn end_found(tx: &mut Tx, fence: &Fence, changes: &[StatusChange]) -> Result<Vec<MessageId>, Error> {
    let mut ended = Vec::new();
    for change in changes {
        let Sought::There(found) = tx.sought(&ENDING, &fence.session, change.id.as_str()) else { continue };
        if found.row.status != MessageStatus::Queued {
            continue;
        }
        let (number, row) = (found.number, MessageRow { status: MessageStatus::Sent, ..found.row.clone() });
        tx.advance(number, MessageStatus::Sent, [Some(change.at), None, None, None]);
        ended.push(tell(tx, number, row, change.at).await?);
    }
    Ok(ended)
}

/// All that were sent end by one statement.
async fn end_sent(tx: &mut Tx, fence: &Fence, changes: &[StatusChange]) -> Result<Vec<MessageId>, Error> {
    let ids: Vec<&str> = changes.iter().map(|change| change.id.as_str()).collect();
    let moments: Vec<String> = changes.iter().map(|change| change.at.as_millis().to_string()).collect();
    let moments: Vec<&str> = moments.iter().map(String::as_str).collect();
    let mut rows = Vec::new();
    for mut changed in tx.fetch(&SENT_ALL, args![&fence.session, &*ids, &*moments]).await? {
        rows.extend(readable(&mut changed)?);
    }
    let mut ended = Vec::new();
    for change in changes {
        if let Some(place) = rows.iter().position(|(_, row)| row.id == change.id) {
            let (number, row) = rows.swap_remove(place);
            ended.push(tell(tx, number, row, change.at).await?);
        }
    }
    Ok(ended)
}

impl SqlStore {
    pub(super) async fn record_outcomes(&self, fence: &Fence, changes: &[StatusChange]) -> Result<Vec<MessageId>, Error> {
        let mut ended = Vec::new();
        for part in changes.chunks(AT_ONCE) {
            let (owned, changes) = (fence.clone(), part.to_vec());
            let kept = vec![owner::kept(fence)?, event::kept(&fence.account, &fence.session)?];
            let foreseen = Foreseen { kept, moved: self.ending(fence, part) };
            let written =
                self.write_foreseen(Place::fenced(fence), foreseen, move |tx| Box::pin(async move { end(tx, &owned, &changes).await }));
            ended.extend(written.await?);
        }
        Ok(ended)
    }

    /// What a group is to find for these outcomes: nothing where one of them failed, and needs a statement all the same.
    fn ending(&self, fence: &Fence, changes: &[StatusChange]) -> Vec<FoundKey> {
        if self.readers.dialect() == Dialect::Sqlite || changes.iter().any(|change| change.outcome != Outcome::Sent) {
            return Vec::new();
        }
        changes.iter().filter_map(|change| FoundKey::new(&ENDING, &fence.session, change.id.as_str())).collect()
    }

    pub(super) async fn fail_message(&self, account: &AccountId, change: &StatusChange) -> Result<bool, Error> {
        let (owner, change) = (account.clone(), change.clone());
        self.write(Place::account(account), move |tx| {
            Box::pin(async move {
                let to = columns(&change);
                let args = args![&change.id, &owner, to.status, to.code, to.reason, to.unknown, to.sent_at, to.failed_at];
                let row = tx.change(&END_UNOWNED, &ENDED_UNOWNED, args).await?;
                Ok(announce(tx, row, change.at).await?.is_some())
            })
        })
        .await
    }
}
