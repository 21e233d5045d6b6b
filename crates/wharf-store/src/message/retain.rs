//! Messages that are older than their account's plan keeps them.

use wharf_api::Timestamp;
use wharf_api::ids::AccountId;
use wharf_core::store::{Error, Removed};

use super::row::{message_columns, readable};
use crate::event;
use crate::lane::Place;
use crate::media::forget::forget as forget_file;
use crate::sql::{Tx, args, corrupt, statements};
use crate::store::SqlStore;

/// What hangs on messages, by their numbers.
macro_rules! of_messages {
    ($table:literal) => {
        concat!("DELETE FROM ", $table, " WHERE message IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)")
    };
}

statements! {
    /// How far a look goes, how many messages it passes, and how many of them were made before that time.
    LOOK = "SELECT COALESCE(MAX(number), 0), COUNT(*), COUNT(CASE WHEN created_at < $4 THEN 1 END) \
        FROM (SELECT number, created_at FROM messages WHERE account_id = $1 AND number > $2 ORDER BY number LIMIT $3) part";
    /// A message is as old as what happened to it last: the event about that is as old too. One that is still to be sent has no age.
    REMOVE = concat!(
        "DELETE FROM messages WHERE account_id = $1 AND number > $2 AND number <= $3 AND status <> 'queued' AND created_at < $4 \
         AND COALESCE(sent_at, 0) < $4 AND COALESCE(delivered_at, 0) < $4 AND COALESCE(read_at, 0) < $4 AND COALESCE(played_at, 0) < $4 \
         AND COALESCE(failed_at, 0) < $4 RETURNING ", message_columns!()
    );
    PAYLOADS = of_messages!("outgoing");
    STEPS = of_messages!("message_steps");
    RECEIPTS = of_messages!("message_receipts");
    ORIGINALS = of_messages!("originals");
    /// When the oldest event was written that a webhook which is on has not had yet.
    OWED = "SELECT at FROM events WHERE number = (SELECT MIN(d.event) FROM deliveries d JOIN webhooks w ON w.number = d.webhook \
        WHERE w.account_id = $1 AND w.enabled = 1 AND d.state = 'pending')";
}

/// How many messages one commit passes: others wait for it.
const AT_ONCE: u32 = 100;
/// How many numbers one statement takes.
const NUMBERS: usize = 16;

/// The messages first: a receipt that is being written meanwhile has their rows, and is seen by what comes after.
async fn remove(tx: &mut Tx, account: &AccountId, before: Timestamp, after: i64) -> Result<Removed, Error> {
    let before = event::told_no_more(tx, account, before).await?;
    let look = tx.first(&LOOK, args![account, after, AT_ONCE, before]).await?;
    let mut look = look.ok_or_else(|| corrupt("a count without a row"))?;
    let (last, passed, old) = (look.int()?, look.int()?, look.int()?);
    if old == 0 {
        // They come in the order in which they were taken in: what follows is younger.
        return Ok(Removed { messages: 0, next: None });
    }
    let mut numbers = Vec::new();
    for mut row in tx.fetch(&REMOVE, args![account, after, last, before]).await? {
        numbers.extend(row.number());
        let file = readable(&mut row)?.and_then(|(_, message)| message.content.media().map(|media| media.media_id.clone()));
        if let Some(file) = file {
            forget_file(tx, account, &file).await?;
        }
    }
    for part in numbers.chunks(NUMBERS) {
        // A short list repeats its last number, so that one statement serves every length.
        let number = |place: usize| part.get(place).or(part.last()).copied();
        for sql in [&PAYLOADS, &STEPS, &RECEIPTS, &ORIGINALS] {
            let args = args![
                number(0),
                number(1),
                number(2),
                number(3),
                number(4),
                number(5),
                number(6),
                number(7),
                number(8),
                number(9),
                number(10),
                number(11),
                number(12),
                number(13),
                number(14),
                number(15)
            ];
            tx.execute(sql, args).await?;
        }
    }
    Ok(Removed { messages: numbers.len() as u64, next: (passed == i64::from(AT_ONCE)).then_some(last) })
}

impl SqlStore {
    pub(super) async fn remove_messages(&self, account: &AccountId, before: Timestamp, after: i64) -> Result<Removed, Error> {
        let owner = account.clone();
        self.write(Place::account(account), move |tx| Box::pin(async move { remove(tx, &owner, before, after).await })).await
    }

    pub(super) async fn owed_to_webhooks_since(&self, account: &AccountId) -> Result<Option<Timestamp>, Error> {
        let row = self.readers.fetch(&OWED, args![account]).await?.into_iter().next();
        row.map(|mut row| row.time()).transpose()
    }
}
