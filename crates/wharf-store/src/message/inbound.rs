//! What came in, each stored once, and what it changes.

use wharf_api::Timestamp;
use wharf_api::ids::{MessageId, SessionId};
use wharf_api::types::message::{Content, Direction, Marks, MessageStatus};
use wharf_core::message::{change as rules, events_of};
use wharf_core::store::{Error, Fence, Inbound, MessageRow, NewFetch, VaultOp};

use super::change;
use super::row::{Said, insert_args, message_columns, message_insert, readable, said};
use crate::event::{self, Draft};
use crate::lane::Place;
use crate::media;
use crate::owner;
use crate::sql::{Tx, args, statements};
use crate::store::SqlStore;
use crate::vault;

/// What is to be known of a message that was not there: its number, and how many changes of it came before it.
macro_rules! inserted {
    () => {
        " RETURNING number, (SELECT COUNT(*) FROM messages earlier WHERE earlier.session_id = $3 AND earlier.target_wa_id = $4)"
    };
}

/// The row of a message that could not be decrypted says this; the condition of its index, in a migration, is the same.
macro_rules! undecryptable {
    () => {
        r#"{"type":"undecryptable"}"#
    };
}

/// The row of a vote that could not be opened says this.
macro_rules! sealed_vote {
    () => {
        r#"{"type":"unsupported","originalType":"poll_vote"}"#
    };
}

/// Older releases wrote that of such a vote.
macro_rules! older_sealed_vote {
    () => {
        r#"{"type":"unsupported","kind":"poll_vote"}"#
    };
}

/// A message that could not be read is there, or a vote that could not. The direction is a word of the statement: by an argument no partial
/// index is found, and the whole log of the session is gone through.
macro_rules! unread {
    ($direction:literal) => {
        concat!(
            "SELECT number, id, marks, content FROM messages WHERE session_id = $1 AND wa_id = $2 AND direction = '",
            $direction,
            "' AND chat = $3 AND COALESCE(sender, '') = $4 AND content IN ('",
            undecryptable!(),
            "', '",
            sealed_vote!(),
            "', '",
            older_sealed_vote!(),
            "')"
        )
    };
}

statements! {
    /// Change no row where the message is there. A clash of anything else is an error: a sequence behind its table must not pass for that.
    INSERT_INCOMING = concat!(
        message_insert!(), " ON CONFLICT (session_id, chat, (COALESCE(sender, '')), wa_id) WHERE direction = 'incoming' DO NOTHING", inserted!()
    );
    INSERT_OUTGOING = concat!(message_insert!(), " ON CONFLICT (session_id, wa_id) WHERE direction = 'outgoing' DO NOTHING", inserted!());
    /// As its index has it.
    UNDECRYPTED = concat!(
        "SELECT ", message_columns!(), " FROM messages WHERE session_id = $1 AND content = '", undecryptable!(), "' \
        AND created_at > $2 ORDER BY number DESC LIMIT $3"
    );
    /// The index of what [`UNDECRYPTED`] lists has an entry of the session.
    HAS_UNDECRYPTED = concat!(
        "SELECT 1 FROM messages WHERE session_id = $1 AND content = '", undecryptable!(), "' ORDER BY number DESC LIMIT 1"
    );
    UNREAD_INCOMING = unread!("incoming"), lock "FOR UPDATE";
    UNREAD_OUTGOING = unread!("outgoing"), lock "FOR UPDATE";
    /// Now it can be: it keeps its id and its place.
    REPAIR = "UPDATE messages SET content = $2, marks = $3, sender_name = COALESCE($4, sender_name), \
        target_wa_id = COALESCE($5, target_wa_id), created_at = COALESCE($6, created_at) WHERE number = $1";
}

const UNDECRYPTABLE: &str = undecryptable!();

/// A message with what is made of it before the lane is busy with it.
#[derive(Clone)]
struct Prepared {
    row: MessageRow,
    said: Said,
    events: Vec<Draft>,
    /// Under which it is stored, where its row is all of this.
    number: Option<i64>,
}

fn prepare(row: MessageRow) -> Result<Prepared, Error> {
    Ok(Prepared { said: said(&row)?, events: event::drafts_of(&row), row, number: None })
}

/// Whether the row names another message, so that it can only be written out when that is known.
fn names_another(row: &MessageRow) -> bool {
    row.marks.reply_to.is_some() || row.content.target().is_some()
}

/// Stores one message; `None` where it is there already or may not be.
async fn take_one(tx: &mut Tx, message: Prepared) -> Result<Option<Prepared>, Error> {
    let (message, target) = if names_another(&message.row) {
        let mut row = message.row;
        let target = change::resolve(tx, &mut row).await?;
        (prepare(row)?, target)
    } else {
        (message, None)
    };
    if target.as_ref().is_some_and(|(_, target)| !rules::may(target, &message.row)) {
        tracing::debug!(session = %message.row.session, "a change that its author may not make is left out");
        return Ok(None);
    }
    let insert = if message.row.direction == Direction::Outgoing { &INSERT_OUTGOING } else { &INSERT_INCOMING };
    let stored = match tx.first(insert, insert_args!(message.row, message.said, None::<i64>)).await? {
        Some(mut inserted) => Some(under_its_changes(tx, inserted.int()?, inserted.count()?, message).await?),
        None => repair(tx, message).await?,
    };
    if let (Some(stored), Some(target)) = (&stored, target) {
        change::make(tx, target, &stored.row).await?;
    }
    Ok(stored)
}

/// Makes the changes that came before the message. What cannot be read yet takes deletions and likes alone; the others are made when it can be.
async fn under_its_changes(tx: &mut Tx, number: i64, changes: u64, mut message: Prepared) -> Result<Prepared, Error> {
    if changes == 0 {
        return Ok(Prepared { number: Some(number), ..message });
    }
    change::make_earlier(tx, &mut message.row).await?;
    let mut changed = prepare(message.row)?;
    tx.execute(&change::REWRITE, args![number, &changed.said.content, &changed.said.marks]).await?;
    if matches!(changed.row.content, Content::Deleted {}) {
        // That it is gone was told; that it came is nobody's news any more.
        changed.events.clear();
    }
    Ok(changed)
}

/// The status under which a change is told.
const fn told_as(row: &MessageRow) -> MessageStatus {
    match row.direction {
        Direction::Outgoing => MessageStatus::Sent,
        Direction::Incoming => MessageStatus::Received,
    }
}

async fn repair(tx: &mut Tx, message: Prepared) -> Result<Option<Prepared>, Error> {
    let mut row = message.row;
    if matches!(row.content, Content::Undecryptable {}) {
        return Ok(None);
    }
    let sender = row.sender.as_deref().unwrap_or_default();
    let unread = if row.direction == Direction::Outgoing { &UNREAD_OUTGOING } else { &UNREAD_INCOMING };
    let Some(mut unread) = tx.first(unread, args![&row.session, &row.wa_id, &row.chat, sender]).await? else { return Ok(None) };
    let number = unread.int()?;
    row.id = unread.parsed("a message's id", MessageId::parse)?;
    // What was said of it before: that it was read, likes, and changes that could do nothing yet.
    let before: Marks = serde_json::from_str(&unread.text()?).unwrap_or_default();
    row.marks.read_at = before.read_at.or(row.marks.read_at);
    row.marks.reactions = before.reactions;
    let sealed = unread.text()? != UNDECRYPTABLE;
    if sealed && !matches!(row.content, Content::PollVote { .. }) {
        return Ok(None);
    }
    change::make_earlier(tx, &mut row).await?;
    let repaired = prepare(row)?;
    let said = &repaired.said;
    let target = repaired.row.content.target().map(|target| target.whatsapp_id.as_str());
    // A change knows when it was made; a message keeps its place among the others.
    let made_at = target.map(|_| repaired.row.created_at.as_millis());
    tx.execute(&REPAIR, args![number, &said.content, &said.marks, &repaired.row.sender_name, target, made_at]).await?;
    if sealed {
        // That it came was told; what it says was not.
        let told = events_of(&MessageRow { status: told_as(&repaired.row), ..repaired.row.clone() });
        let news = told.into_iter().filter(|event| rules::event(&repaired.row.content) == Some(event.kind)).collect();
        return Ok(Some(Prepared { events: event::drafts(news), ..repaired }));
    }
    Ok(Some(repaired))
}

async fn take_in(tx: &mut Tx, fence: &Fence, messages: Vec<Prepared>, files: &[NewFetch], ops: &[VaultOp]) -> Result<Inbound, Error> {
    owner::check(tx, fence).await?;
    vault::apply(tx, &fence.session, ops).await?;
    let mut fresh = Vec::new();
    for message in messages {
        fresh.extend(take_one(tx, message).await?);
    }
    for message in &fresh {
        let id = message.row.content.media().map(|media| &media.media_id);
        if let Some(file) = files.iter().find(|file| Some(&file.media.id) == id) {
            media::plan(tx, &message.row.id, file).await?;
        }
    }
    let count = fresh.iter().map(|message| message.events.len()).sum();
    if count > 0 {
        let mut numbers = event::reserve(tx, &fence.account, &fence.session, count).await?;
        // Where one of them changes another one, that one's row may say something else by now.
        let as_they_came = fresh.iter().all(|message| message.row.content.target().is_none());
        for message in &fresh {
            let number = message.number.filter(|_| as_they_came);
            event::insert(tx, &message.row, number, &mut numbers, message.row.created_at, &message.events).await?;
        }
    }
    Ok(Inbound { inserted: fresh.into_iter().map(|message| message.row.id).collect() })
}

impl SqlStore {
    pub(super) async fn undecryptable_messages(&self, session: &SessionId, since: Timestamp, limit: u32) -> Result<Vec<MessageRow>, Error> {
        // Every session asks every few minutes, and mostly there is none: that is known where it is asked. The list may pass over many.
        if self.readers.first(&HAS_UNDECRYPTED, args![session]).await?.is_none() {
            return Ok(Vec::new());
        }
        let mut rows = self.readers.fetch(&UNDECRYPTED, args![session, since, limit]).await?;
        rows.iter_mut().filter_map(|row| readable(row).transpose()).map(|read| read.map(|(_, row)| row)).collect()
    }

    pub(super) async fn record_inbound_with_files(
        &self,
        fence: &Fence,
        messages: &[MessageRow],
        files: &[NewFetch],
        ops: &[VaultOp],
    ) -> Result<Inbound, Error> {
        let prepared: Result<Vec<_>, Error> = messages.iter().cloned().map(prepare).collect();
        let (owned, prepared, files, ops) = (fence.clone(), prepared?, files.to_vec(), ops.to_vec());
        let keys = vec![owner::kept(fence)?, event::kept(&fence.account, &fence.session)?];
        self.write_light(Place::fenced(fence), keys, move |tx| Box::pin(async move { take_in(tx, &owned, prepared, &files, &ops).await }))
            .await
    }
}

#[cfg(test)]
mod tests {
    use wharf_api::types::message::Reference;

    use super::*;

    #[test]
    fn what_waits_to_be_read_is_spelled_as_its_rows_are_written() {
        let written = |content: &Content| serde_json::to_string(content).unwrap();
        let vote = Content::PollVote { options: Vec::new(), target: Reference::default() };
        let sealed = Content::unsupported(vote.kind());
        assert_eq!(written(&Content::Undecryptable {}), UNDECRYPTABLE);
        assert_eq!(written(&sealed), sealed_vote!());
        // Nothing writes it any more; what has it is read as the same.
        assert_eq!(serde_json::from_str::<Content>(older_sealed_vote!()).unwrap(), sealed);
        for migration in [
            include_str!("../../migrations/sqlite/0022_undecryptable.sql"),
            include_str!("../../migrations/postgres/0022_undecryptable.sql"),
        ] {
            assert!(migration.contains(&format!("content = '{UNDECRYPTABLE}'")), "{migration}");
        }
    }
}
