//! How the tries of a queued message end: sent, or failed for good.

use wharf_api::ErrorCode;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, MessageId};
use wharf_api::types::message::MessageStatus;
use wharf_core::message::events_of;
use wharf_core::store::{Error, Fence, Outcome, StatusChange};

use super::change;
use super::row::{message_columns, readable};
use crate::lane::Place;
use crate::sql::{Row, Tx, args, statements};
use crate::store::SqlStore;
use crate::{event, owner};

macro_rules! end {
    () => {
        "UPDATE messages SET status = $3, error_code = $4, error_reason = $5, doubtful = $6, sent_at = $7, failed_at = $8 \
         WHERE id = $1 AND status = 'queued' AND "
    };
}

statements! {
    END = concat!(end!(), "session_id = $2"), postgres concat!(" RETURNING ", message_columns!());
    ENDED = concat!("SELECT ", message_columns!(), " FROM messages WHERE id = $1 AND session_id = $2");
    END_UNOWNED = concat!(end!(), "account_id = $2"), postgres concat!(" RETURNING ", message_columns!());
    ENDED_UNOWNED = concat!("SELECT ", message_columns!(), " FROM messages WHERE id = $1 AND account_id = $2");
}

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
    let Some((_, row)) = readable(&mut changed)? else { return Ok(None) };
    if row.status == MessageStatus::Sent {
        change::take_effect(tx, &row).await?;
    }
    event::write(tx, &row.account, &row.session, at, &event::drafts(events_of(&row))).await?;
    Ok(Some(row.id))
}

impl SqlStore {
    pub(super) async fn record_outcomes(&self, fence: &Fence, changes: &[StatusChange]) -> Result<Vec<MessageId>, Error> {
        let mut ended = Vec::new();
        for part in changes.chunks(AT_ONCE) {
            let (owned, changes) = (fence.clone(), part.to_vec());
            let written = self.write_light(Place::fenced(fence), move |tx| {
                Box::pin(async move {
                    owner::check(tx, &owned).await?;
                    let mut ended = Vec::new();
                    for change in &changes {
                        let to = columns(change);
                        let args = args![&change.id, &owned.session, to.status, to.code, to.reason, to.unknown, to.sent_at, to.failed_at];
                        let row = tx.change(&END, &ENDED, args).await?;
                        ended.extend(announce(tx, row, change.at).await?);
                    }
                    Ok(ended)
                })
            });
            ended.extend(written.await?);
        }
        Ok(ended)
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
