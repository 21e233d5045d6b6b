//! The transaction of one write, inside its lane's commit.

use std::collections::HashMap;
use std::sync::Arc;

use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, EventId, SessionId};
use wharf_api::types::message::MessageStatus;
use wharf_core::Chance;
use wharf_core::message::handover::{DrawnNumbers, NewlyAccepted};
use wharf_core::store::Error;

use super::found::{FoundKey, FoundMessages, Sought, StepTimes};
use super::kept::{self, Kept, KeptKey};
use super::list::{Joint, RowList};
use super::{Arg, Conn, Row, Sql, corrupt, refused};
use crate::group_end::{self, GROUP_END, MOVES_FIRST};

/// The transaction of one write. A write that returns an error is undone, and so is one that [`Tx::discard`]s itself.
pub(crate) struct Tx {
    pub(crate) conn: Conn,
    chance: Arc<dyn Chance>,
    discarded: bool,
    rings: Rings,
    /// Whether the writes of this group keep rows in common.
    keeps: bool,
    kept: Vec<Kept>,
    /// What was asked for when the group began, and is not there.
    missing: Vec<KeptKey>,
    /// The messages that were found when the group began.
    found: FoundMessages,
    /// Whether writes of this group may leave rows for its end.
    leaves: bool,
    /// Rows of this group that are still to be written.
    lists: Vec<RowList>,
    /// The numbers that writes of this group drew from rows that it keeps.
    drawn: Vec<DrawnNumbers>,
    statements: usize,
    /// How many statements one write may have.
    limit: usize,
    /// By which numbers SQLite's log names accounts and their sessions.
    log_numbers: HashMap<AccountId, HashMap<String, (i64, i64)>>,
}

/// Of how many accounts those numbers are remembered, and of how many sessions of each.
const REMEMBERED: usize = 10_000;

/// The readers and webhooks to be notified once the group is committed. A write that is undone may have left its own: a ring
/// too many is a look too many.
#[derive(Default)]
pub(crate) struct Rings {
    pub accounts: Vec<AccountId>,
    pub webhooks: Vec<i64>,
}

impl Tx {
    pub fn new(conn: Conn, chance: Arc<dyn Chance>, limit: usize) -> Self {
        let rings = Rings::default();
        let (kept, missing, found, lists) = (Vec::new(), Vec::new(), FoundMessages::default(), Vec::new());
        let log_numbers = HashMap::new();
        let drawn = Vec::new();
        Self {
            conn,
            chance,
            discarded: false,
            rings,
            keeps: false,
            kept,
            missing,
            found,
            leaves: false,
            lists,
            drawn,
            statements: 0,
            limit,
            log_numbers,
        }
    }

    /// Runs a statement; tells how many rows it changed.
    pub async fn execute(&mut self, sql: &Sql, args: &[Arg<'_>]) -> Result<u64, Error> {
        self.count(sql)?;
        self.let_go().await?;
        self.conn.execute(sql, args).await
    }

    pub async fn fetch(&mut self, sql: &Sql, args: &[Arg<'_>]) -> Result<Vec<Row>, Error> {
        self.count(sql)?;
        self.let_go().await?;
        self.conn.fetch(sql, args).await
    }

    /// Inserts a row, and another one that begins with its number: SQLite by the first two statements, PostgreSQL by the third.
    pub async fn insert_with(
        &mut self,
        [first, second, both]: [&Sql; 3],
        row: &[Arg<'_>],
        other: &[Arg<'_>],
    ) -> Result<Option<i64>, Error> {
        if let Conn::Sqlite(_) = self.conn {
            self.execute(first, row).await?;
            let number = self.conn.last_number();
            self.execute(second, &[[Arg::Int(number)].as_slice(), other].concat()).await?;
            Ok(number)
        } else {
            self.execute(both, &[row, other].concat()).await?;
            Ok(None)
        }
    }

    /// Runs a statement that changes one row at the most and, on PostgreSQL, returns what `after` reads. SQLite would keep what is
    /// returned in a table of its own and a journal for the statement: there a second statement is cheaper.
    pub async fn change(&mut self, sql: &Sql, after: &Sql, args: &[Arg<'_>]) -> Result<Option<Row>, Error> {
        if matches!(self.conn, Conn::Postgres(_)) {
            return self.first(sql, args).await;
        }
        if self.execute(sql, args).await? == 0 { Ok(None) } else { self.first(after, args).await }
    }

    /// Begins a group of one write or more, which may leave rows for its end or not: what the one before kept went with it.
    pub fn begin_group(&mut self, leaves: bool) {
        self.leaves = leaves;
        self.kept.clear();
        self.missing.clear();
        self.found = FoundMessages::default();
        self.lists.clear();
        self.drawn.clear();
    }

    /// Whether the next write keeps rows for those after it; what is kept is written back where it does not.
    pub async fn share(&mut self, keeps: bool) -> Result<(), Error> {
        self.keeps = keeps;
        if keeps { Ok(()) } else { self.settle().await }
    }

    pub fn keeps_rows(&self) -> bool {
        self.keeps
    }

    /// The numbers of the row that `read` finds by its key, kept for this group; `absent` where there is no such row.
    pub async fn keep(&mut self, read: &'static Sql, key: &[Arg<'_>], absent: Option<[i64; 3]>) -> Result<Option<&mut Kept>, Error> {
        if let Some(place) = self.kept.iter().position(|kept| kept.is(read, key)) {
            return Ok(self.kept.get_mut(place));
        }
        let found = if self.missing.iter().any(|missing| missing.is(read, key)) {
            None
        } else {
            // Its row is no message's.
            self.count(read)?;
            let row = self.conn.fetch(read, key).await?.into_iter().next();
            row.map(|mut row| kept::numbers(&mut row)).transpose()?
        };
        let Some(numbers) = found.or(absent) else { return Ok(None) };
        self.kept.push(Kept::new(KeptKey::new(read, key)?, numbers));
        Ok(self.kept.last_mut())
    }

    /// Keeps rows and messages of this group that were asked for when it began, and that there is none of the others. Each answer begins
    /// with the place of its key; that of a message is below nothing.
    pub fn foresee(&mut self, keys: Vec<KeptKey>, moved: Vec<FoundKey>, answers: Vec<Row>) -> Result<(), Error> {
        let mut asked: Vec<Option<KeptKey>> = keys.into_iter().map(Some).collect();
        self.found = FoundMessages::asked(moved);
        for mut answer in answers {
            let place = answer.int()?;
            if place < 0 {
                self.found.answer(place, &mut answer)?;
                continue;
            }
            let place = usize::try_from(place).map_err(|_| corrupt("the place of a kept row"))?;
            let key = asked.get_mut(place).and_then(Option::take).ok_or_else(|| corrupt("a kept row that nobody asked for"))?;
            self.kept.push(Kept::new(key, kept::numbers(&mut answer)?));
        }
        self.missing = asked.into_iter().flatten().collect();
        Ok(())
    }

    /// What is known of a message without a statement, by the statement that finds it as a group begins.
    pub fn sought(&self, read: &Sql, session: &SessionId, id: &str) -> Sought<'_> {
        if self.lists_rows() { self.found.get(read, session, id) } else { Sought::Unknown }
    }

    /// Moves a message that was found, by its number: who comes later in the group finds it moved, and the group writes it at its end. It
    /// keeps the times that it has, and has failed no more.
    pub fn advance(&mut self, number: i64, to: MessageStatus, times: StepTimes) {
        self.found.advance(number, to, times);
    }

    /// Writes what was moved, and forgets what was found: the next statement may look at messages, or change them.
    async fn let_go(&mut self) -> Result<(), Error> {
        if self.found.is_empty() {
            return Ok(());
        }
        let (found, mut moves) = (std::mem::take(&mut self.found), RowList::of(&MOVES_FIRST));
        for row in found.moved() {
            moves.push(0, &row);
        }
        if moves.is_empty() { Ok(()) } else { moves.write(&mut self.conn).await.map(drop) }
    }

    /// Whether rows may be given to [`Tx::list`]. Otherwise a write writes its own, and hears of its own what is wrong with them.
    pub fn lists_rows(&self) -> bool {
        self.keeps && self.leaves && self.takes_lists()
    }

    /// Leaves a row to be written with all others of its group, by one statement that takes a list of texts for each column of each part,
    /// and bytes in hexadecimal digits. What the statement returns are webhooks to be notified.
    pub fn list(&mut self, joint: &'static Joint, part: usize, row: &[Arg<'_>]) {
        self.rows_of(joint).push(part, row);
    }

    /// Leaves a row in the same way, in the place of one of this group that begins with the same cells, as many as make its key.
    pub fn list_instead(&mut self, joint: &'static Joint, part: usize, key: usize, row: &[Arg<'_>]) {
        self.rows_of(joint).put(part, key, row);
    }

    fn rows_of(&mut self, joint: &'static Joint) -> &mut RowList {
        let place = self.lists.iter().position(|list| list.is(joint)).unwrap_or_else(|| {
            self.lists.push(RowList::of(joint));
            self.lists.len() - 1
        });
        &mut self.lists[place]
    }

    /// Writes what was listed and moved, and back what is kept, and forgets all of it. On PostgreSQL it goes together.
    pub async fn settle(&mut self) -> Result<(), Error> {
        self.missing.clear();
        let found = std::mem::take(&mut self.found);
        for row in found.moved() {
            self.list(&GROUP_END, group_end::MOVES, &row);
        }
        for kept in std::mem::take(&mut self.kept) {
            let Some((write, args)) = kept.written() else { continue };
            if self.takes_lists() {
                self.list(write.joint, write.part, &args);
            } else {
                self.conn.execute(write.sql, &args).await?;
            }
        }
        for list in std::mem::take(&mut self.lists) {
            for mut row in list.write(&mut self.conn).await? {
                self.ring_webhook(row.int()?);
            }
        }
        Ok(())
    }

    /// A write that is too long for a slow database is refused on a fast one too, so that it is found there: it belongs into parts.
    fn count(&mut self, sql: &Sql) -> Result<(), Error> {
        self.statements += 1;
        if self.statements > self.limit {
            return Err(refused(format!("a write of more than {} statements ({})", self.limit, sql.name)));
        }
        Ok(())
    }

    /// The first row, if there is one.
    pub async fn first(&mut self, sql: &Sql, args: &[Arg<'_>]) -> Result<Option<Row>, Error> {
        Ok(self.fetch(sql, args).await?.into_iter().next())
    }

    /// Whether a statement may have lists for arguments.
    pub fn takes_lists(&self) -> bool {
        matches!(self.conn, Conn::Postgres(_))
    }

    /// Undoes what this write did, while its answer stays good.
    pub fn discard(&mut self) {
        self.discarded = true;
    }

    /// Whether the write before discarded itself; resets the mark.
    pub fn take_discarded(&mut self) -> bool {
        std::mem::take(&mut self.discarded)
    }

    /// How many statements ran since this was asked last.
    pub fn take_statements(&mut self) -> usize {
        std::mem::take(&mut self.statements)
    }

    /// Notifies the readers of the account's log after the commit.
    pub fn ring(&mut self, account: &AccountId) {
        if self.rings.accounts.last() != Some(account) {
            self.rings.accounts.push(account.clone());
        }
    }

    /// Notifies the webhook's courier after the commit.
    pub fn ring_webhook(&mut self, webhook: i64) {
        if self.rings.webhooks.last() != Some(&webhook) {
            self.rings.webhooks.push(webhook);
        }
    }

    pub fn take_rings(&mut self) -> Rings {
        std::mem::take(&mut self.rings)
    }

    /// The number of the row that SQLite inserted last.
    pub fn last_number(&self) -> Option<i64> {
        self.conn.last_number()
    }

    /// What [`Tx::remember_numbers`] was told.
    pub fn numbers_of(&self, account: &AccountId, session: &str) -> Option<(i64, i64)> {
        self.log_numbers.get(account)?.get(session).copied()
    }

    /// Keeps by which numbers the log names an account and a session of it, beyond this group.
    pub fn remember_numbers(&mut self, account: &AccountId, session: &str, numbers: (i64, i64)) {
        if self.log_numbers.len() >= REMEMBERED {
            self.log_numbers.clear();
        }
        let of_account = self.log_numbers.entry(account.clone()).or_default();
        if of_account.len() >= REMEMBERED {
            of_account.clear();
        }
        of_account.insert(session.to_owned(), numbers);
    }

    /// Undoes what was written since a savepoint, or all of it, by that statement. Rows that go with it may have given those numbers, and
    /// others have them next.
    pub async fn undo(&mut self, statement: &'static str) -> Result<(), Error> {
        self.log_numbers.clear();
        self.conn.control(statement).await
    }

    /// Now, as an id that is made now would tell it.
    pub fn written_at(&self) -> Timestamp {
        Timestamp::from_millis(i64::try_from(self.chance.uuid().as_u128() >> 80).unwrap_or(0))
    }

    /// Notes that this write has drawn numbers from a session's row that the group keeps: nobody else draws any before the commit. A group
    /// in which a write that keeps rows is to be undone is undone as a whole.
    pub fn drew(&mut self, session: &SessionId, from: i64, to: i64) {
        match self.drawn.last_mut() {
            Some(last) if last.accepted.is_none() && last.to == from && last.session == *session => last.to = to,
            _ => self.drawn.push(DrawnNumbers { session: session.clone(), from, to, accepted: None }),
        }
    }

    /// Notes what this write has accepted under the numbers that it drew last, which it noted.
    pub fn accepted(&mut self, message: NewlyAccepted) {
        if let Some(last) = self.drawn.last_mut() {
            last.accepted = Some(message);
        }
    }

    /// What was drawn, for the time after the commit.
    pub fn take_drawn(&mut self) -> Vec<DrawnNumbers> {
        std::mem::take(&mut self.drawn)
    }

    pub fn event_id(&self) -> EventId {
        self.chance.event_id()
    }
}
