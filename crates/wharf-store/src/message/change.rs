//! Changes on other messages, and finding the message that another one names.

use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, MessageId, SessionId};
use wharf_api::types::message::Content;
use wharf_core::message::change;
use wharf_core::store::{Error, Fence, MessageRow};

use super::chats::MARK;
use super::row::{Said, chat_key, message_columns, of_kind, readable, said};
use crate::lane::Place;
use crate::media::forget::forget as forget_file;
use crate::owner;
use crate::plan;
use crate::sql::{Sql, Tx, args, statements};
use crate::store::SqlStore;

/// A message by its WhatsApp id, of one direction: each direction has an index of its own.
macro_rules! named {
    ($direction:literal) => {
        concat!("SELECT ", message_columns!(), " FROM messages WHERE session_id = $1 AND wa_id = $2 AND direction = '", $direction, "'")
    };
}

statements! {
    BY_ID_LOCKED = concat!("SELECT ", message_columns!(), " FROM messages WHERE account_id = $1 AND id = $2"), lock "FOR UPDATE";
    OUTGOING = named!("outgoing");
    INCOMING = named!("incoming");
    OUTGOING_LOCKED = named!("outgoing"), lock "FOR UPDATE";
    INCOMING_LOCKED = named!("incoming"), lock "FOR UPDATE";
    /// The changes of a message that have taken effect, or would have if it had been there, from a number on. The empty text keeps SQLite
    /// from the account's index, by which it would go through all that the account ever had.
    CHANGES = concat!(
        "SELECT number, ", message_columns!(), " FROM messages WHERE session_id = $1 AND target_wa_id = $2 AND account_id || '' = $3 \
         AND number > $4 AND status NOT IN ('queued', 'failed') ORDER BY number LIMIT 300"
    );
    /// The edits of a message, but for those that are still to be sent, from a number on.
    EDITS = concat!(
        "SELECT number, ", message_columns!(), " FROM messages WHERE session_id = $1 AND target_wa_id = $2 AND account_id || '' = $3 \
         AND number > $4 AND status NOT IN ('queued', 'failed') AND ", of_kind!("content", "'edit'"), " ORDER BY number LIMIT 300"
    );
    /// The same person's vote on the same poll, made later and here already.
    LATER_VOTE = concat!(
        "SELECT number FROM messages WHERE session_id = $1 AND target_wa_id = $2 AND direction = $3 \
         AND COALESCE(sender, '') = $4 AND created_at > $5 AND ", of_kind!("content", "'poll_vote'"), " LIMIT 1"
    );
    /// A reaction of the same person to the same message, made later and in effect already: also one that took this one back.
    LATER_REACTION = concat!(
        "SELECT number FROM messages WHERE session_id = $1 AND target_wa_id = $2 AND direction = $3 \
         AND COALESCE(sender, '') = $4 AND created_at > $5 AND status NOT IN ('queued', 'failed') AND ",
        of_kind!("content", "'reaction'"), " LIMIT 1"
    );
    REWRITE = "UPDATE messages SET content = $2, marks = $3 WHERE number = $1";
}

/// Rewrites many at once. SQLite has no lists, and needs none: its statement goes nowhere.
const REWRITE_ALL: Sql = Sql {
    name: "REWRITE_ALL",
    sqlite: REWRITE.sqlite,
    postgres: "UPDATE messages SET content = l.content, marks = l.marks FROM unnest($1::TEXT[], $2::TEXT[], $3::TEXT[]) \
        AS l(wanted, content, marks) WHERE number = CAST(l.wanted AS BIGINT)",
};
pub(super) const LISTS: &[Sql] = &[REWRITE_ALL];

/// How many changes one look gives, by its statement.
const AT_A_LOOK: usize = 300;

/// How many looks one write may take: thirty thousand changes of one message. Each costs PostgreSQL two statements.
const LOOKS: usize = 100;

/// A message and its number.
pub(super) type Numbered = (i64, MessageRow);

async fn named(
    tx: &mut Tx,
    statements: [&Sql; 2],
    by: &MessageRow,
    wa_id: &str,
    may_name: fn(&MessageRow, &MessageRow) -> bool,
) -> Result<Option<Numbered>, Error> {
    for sql in statements {
        for mut found in tx.fetch(sql, args![&by.session, wa_id]).await? {
            if let Some((number, row)) = readable(&mut found)?
                && may_name(by, &row)
            {
                return Ok(Some((number, row)));
            }
        }
    }
    Ok(None)
}

/// Fills in which messages of ours the row names. Gives the one that it changes, locked to the end of the commit.
pub(super) async fn resolve(tx: &mut Tx, row: &mut MessageRow) -> Result<Option<Numbered>, Error> {
    if let Some(reply) = row.marks.reply_to.as_ref().filter(|reply| reply.message_id.is_none()) {
        let found = named(tx, [&OUTGOING, &INCOMING], row, &reply.whatsapp_id, change::may_answer).await?;
        if let (Some((_, found)), Some(reply)) = (found, &mut row.marks.reply_to) {
            reply.message_id = Some(found.id);
            // It says itself what it is, for as long as it does.
            reply.quoted = None;
        }
    }
    let Some(wa_id) = row.content.target().map(|target| target.whatsapp_id.clone()) else { return Ok(None) };
    let found = named(tx, [&OUTGOING_LOCKED, &INCOMING_LOCKED], row, &wa_id, change::may_name).await?;
    if let (Some((_, found)), Some(target)) = (&found, row.content.target_mut()) {
        target.message_id = Some(found.id.clone());
    }
    Ok(found)
}

/// Makes a change on the message that it names.
pub(super) async fn make(tx: &mut Tx, (number, mut target): Numbered, by: &MessageRow) -> Result<(), Error> {
    let later = match &by.content {
        Content::PollVote { .. } => Some(&LATER_VOTE),
        Content::Reaction { emoji, .. } if !emoji.is_empty() => Some(&LATER_REACTION),
        _ => None,
    };
    if let Some(later) = later {
        let author = by.sender.as_deref().unwrap_or_default();
        let args = args![&by.session, &target.wa_id, by.direction.as_str(), author, by.created_at];
        if tx.first(later, args).await?.is_some() {
            return Ok(());
        }
    }
    let file = target.content.media().map(|media| media.media_id.clone());
    if applied(tx, &mut target, by).await? {
        let said = said(&target)?;
        tx.execute(&REWRITE, args![number, &said.content, &said.marks]).await?;
    }
    if matches!(target.content, Content::Deleted {}) {
        forget(tx, &target).await?;
    }
    match file {
        Some(file) if matches!(target.content, Content::Deleted {}) => forget_file(tx, &target.account, &file).await,
        _ => Ok(()),
    }
}

/// A deletion leaves all as it was where the account's plan says so.
async fn applied(tx: &mut Tx, target: &mut MessageRow, by: &MessageRow) -> Result<bool, Error> {
    let keeps = matches!(by.content, Content::Deletion { .. }) && plan::keeps_deleted(tx, &by.account).await?;
    Ok(if keeps { change::mark_deleted(target, by) } else { change::apply(target, by) })
}

/// The changes of a message, look by look.
struct Looks {
    after: i64,
    left: usize,
}

impl Looks {
    const fn new() -> Self {
        Self { after: 0, left: LOOKS }
    }

    /// The next of them that can be read; `None` after the last.
    async fn next(&mut self, tx: &mut Tx, sql: &Sql, of: &MessageRow) -> Result<Option<Vec<Numbered>>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        let rows = tx.fetch(sql, args![&of.session, &of.wa_id, &of.account, self.after]).await?;
        self.left = if rows.len() < AT_A_LOOK { 0 } else { self.left - 1 };
        let mut found = Vec::new();
        for mut row in rows {
            self.after = row.int()?;
            found.extend(readable(&mut row)?);
        }
        Ok(Some(found))
    }
}

/// Rewrites what rows say, each with its number.
async fn rewrite_all(tx: &mut Tx, rows: &[(i64, Said)]) -> Result<(), Error> {
    if tx.takes_lists() && rows.len() > 1 {
        let numbers: Vec<String> = rows.iter().map(|(number, _)| number.to_string()).collect();
        let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
        let contents: Vec<&str> = rows.iter().map(|(_, said)| said.content.as_str()).collect();
        let marks: Vec<&str> = rows.iter().map(|(_, said)| said.marks.as_str()).collect();
        return tx.execute(&REWRITE_ALL, args![&*numbers, &*contents, &*marks]).await.map(drop);
    }
    for (number, said) in rows {
        tx.execute(&REWRITE, args![*number, &said.content, &said.marks]).await?;
    }
    Ok(())
}

/// What a deletion takes along: what the edits of the message say of it, whichever came first.
async fn forget(tx: &mut Tx, deleted: &MessageRow) -> Result<(), Error> {
    let mut looks = Looks::new();
    while let Some(edits) = looks.next(tx, &EDITS, deleted).await? {
        let mut silenced = Vec::new();
        for (number, mut edit) in edits {
            if change::may(deleted, &edit) && change::silence(&mut edit, deleted.marks.deleted_at) {
                silenced.push((number, said(&edit)?));
            }
        }
        rewrite_all(tx, &silenced).await?;
    }
    Ok(())
}

/// Makes the changes that came before what they change was there or could be read. Made twice they are as if made once.
pub(super) async fn make_earlier(tx: &mut Tx, target: &mut MessageRow) -> Result<(), Error> {
    let mut changes: Vec<Numbered> = Vec::new();
    let mut looks = Looks::new();
    while let Some(found) = looks.next(tx, &CHANGES, target).await? {
        let mut linked = Vec::new();
        for (number, mut by) in found {
            if !change::may_name(&by, target) {
                continue;
            }
            if let Some(named) = by.content.target_mut().filter(|named| named.message_id.is_none()) {
                named.message_id = Some(target.id.clone());
                linked.push((number, said(&by)?));
            }
            if change::may(target, &by) {
                changes.push((number, by));
            }
        }
        rewrite_all(tx, &linked).await?;
        keep_what_counts(&mut changes);
    }
    for (_, by) in changes {
        applied(tx, target, &by).await?;
    }
    if matches!(target.content, Content::Deleted {}) {
        forget(tx, target).await?;
    }
    Ok(())
}

/// Leaves of the changes of a message, in the order in which they were made, those that it shows in the end: none behind a deletion, and
/// the last edit alone. However many long edits somebody sends of what is still to come, no more than one look of them is held at once.
fn keep_what_counts(changes: &mut Vec<Numbered>) {
    changes.sort_by_key(|(number, by)| (by.created_at, *number));
    if let Some(deletion) = changes.iter().position(|(_, by)| matches!(by.content, Content::Deletion { .. })) {
        changes.truncate(deletion + 1);
    }
    let is_edit = |by: &MessageRow| matches!(by.content, Content::Edit { .. });
    let last = changes.iter().rev().find(|(_, by)| is_edit(by)).map(|(number, _)| *number);
    changes.retain(|(number, by)| !is_edit(by) || Some(*number) == last);
}

/// The same for a change that WhatsApp has acknowledged. What is no change does nothing.
pub(super) async fn take_effect(tx: &mut Tx, by: &MessageRow) -> Result<(), Error> {
    let Some(target) = by.content.target() else { return Ok(()) };
    match named(tx, [&OUTGOING_LOCKED, &INCOMING_LOCKED], by, &target.whatsapp_id, change::may_name).await? {
        Some(target) => make(tx, target, by).await,
        None => Ok(()),
    }
}

/// Rewrites what a message says; gives it as it is then, or nothing where it is gone or nothing changes.
pub(crate) async fn rewrite(
    tx: &mut Tx,
    account: &AccountId,
    id: &MessageId,
    change: impl FnOnce(&mut MessageRow) -> bool,
) -> Result<Option<MessageRow>, Error> {
    let Some(mut found) = tx.first(&BY_ID_LOCKED, args![account, id]).await? else { return Ok(None) };
    let Some((number, mut row)) = readable(&mut found)? else { return Ok(None) };
    if !change(&mut row) {
        return Ok(None);
    }
    let said = said(&row)?;
    tx.execute(&REWRITE, args![number, &said.content, &said.marks]).await?;
    Ok(Some(row))
}

/// How many messages one commit notes as read: each takes some statements. What is noted twice stays as it is.
const AT_ONCE: usize = 64;

async fn read_elsewhere(tx: &mut Tx, fence: &Fence, wa_ids: &[String], at: Timestamp) -> Result<Vec<String>, Error> {
    owner::check(tx, fence).await?;
    let mut unknown = Vec::new();
    for wa_id in wa_ids {
        let found = tx.fetch(&INCOMING_LOCKED, args![&fence.session, wa_id]).await?;
        if found.is_empty() {
            unknown.push(wa_id.clone());
        }
        for mut found in found {
            let Some((number, mut row)) = readable(&mut found)? else { continue };
            if row.marks.read_at.is_none() {
                row.marks.read_at = Some(at);
                let said = said(&row)?;
                tx.execute(&REWRITE, args![number, &said.content, &said.marks]).await?;
            }
            let chat = chat_key(&row.chat, row.chat_phone.as_deref());
            tx.execute(&MARK, args![&fence.account, &fence.session, chat, number]).await?;
        }
    }
    Ok(unknown)
}

impl SqlStore {
    pub(super) async fn mark_message_read(&self, account: &AccountId, id: &MessageId, at: Timestamp) -> Result<(), Error> {
        let (owner, id) = (account.clone(), id.clone());
        self.write(Place::account(account), move |tx| {
            Box::pin(async move {
                let first = |row: &mut MessageRow| row.marks.read_at.replace(row.marks.read_at.unwrap_or(at)).is_none();
                rewrite(tx, &owner, &id, first).await?;
                Ok(())
            })
        })
        .await
    }

    pub(super) async fn record_read_elsewhere(&self, fence: &Fence, wa_ids: &[String], at: Timestamp) -> Result<Vec<String>, Error> {
        let mut unknown = Vec::new();
        for part in wa_ids.chunks(AT_ONCE) {
            let (owned, wa_ids) = (fence.clone(), part.to_vec());
            let noted = self.write(Place::fenced(fence), move |tx| Box::pin(async move { read_elsewhere(tx, &owned, &wa_ids, at).await }));
            unknown.extend(noted.await?);
        }
        Ok(unknown)
    }

    pub(super) async fn messages_on_wire(&self, session: &SessionId, wa_id: &str) -> Result<Vec<MessageRow>, Error> {
        let mut rows = Vec::new();
        for sql in [&OUTGOING, &INCOMING] {
            for mut row in self.readers.fetch(sql, args![session, wa_id]).await? {
                rows.extend(readable(&mut row)?.map(|(_, row)| row));
            }
        }
        Ok(rows)
    }
}
