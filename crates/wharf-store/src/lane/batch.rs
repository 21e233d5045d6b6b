//! One connection of a lane, and how it carries a group of writes into one commit.

use std::sync::Arc;

use tokio::time::Instant;
use wharf_core::event::Bell;
use wharf_core::store::Error;
use wharf_core::{Chance, Meter};

use super::job::{Fate, Foreseen, Job, Ran};
use super::post::PostBox;
use super::told::Told;
use super::{Holdings, Place, RecentAccounts, Sessions, Wait};
use crate::config::Config;
use crate::dialect::{Connect, Dialect};
use crate::sql::{
    Conn, KeptKey, Rings, Tx, is_undone, is_undone_commit, questions_of_found, questions_of_kept, unavailable, wants_another_connection,
    worth_another_try,
};

// COMMIT ends open savepoints too, so each write costs one statement to mark and none to close.
const NEXT: &str = "RELEASE SAVEPOINT job; SAVEPOINT job";
const UNDO: &str = "ROLLBACK TO SAVEPOINT job";
const COMMIT: &str = "COMMIT";
const ROLLBACK: &str = "ROLLBACK";

/// How many groups mark each write off from the one before, once a write had to be undone. A mark costs a copy of every page that the next
/// write changes, or a way to the server, so a group begins without: where a write is to be undone, all of it is, and runs again with marks.
const MARKED: u32 = 100;

pub(super) type Write = (Place, Box<dyn Job>);

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Begin,
    /// The write of this place runs.
    Write(usize),
    /// A write found that the connection is of no use, and nothing is known against the writes.
    Broken,
    /// A write is to be undone, and nothing marks where the one before it ended. Or a row could not be read that the group would keep: each
    /// write of the next run reads its own.
    Unmarked,
    /// What the group keeps is written back: nothing is known against one of the writes, and nothing is committed.
    Settle,
    Commit,
}

impl At {
    /// Whether nothing of the group is in the database after such an answer to what it leaves for its end, over a connection that goes on.
    fn is_undone_by(self, error: &Error) -> bool {
        match self {
            Self::Settle => is_undone(error),
            Self::Commit => is_undone_commit(error),
            Self::Begin | Self::Write(_) | Self::Broken | Self::Unmarked => false,
        }
    }
}

/// What is to be done with the writes of a group that are not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    GoOn,
    /// Nothing of the group is in the database, and one of them is why.
    OneByOne,
}

pub(super) struct Worker {
    /// `None` after a connection was lost, until the next group makes one.
    tx: Option<Tx>,
    connect: Connect,
    dialect: Dialect,
    chance: Arc<dyn Chance>,
    bell: Arc<Bell>,
    meter: Arc<Meter>,
    told: Arc<Told>,
    sessions: Option<Arc<Sessions>>,
    accounts: Option<Arc<RecentAccounts>>,
    /// Where it runs on a thread of its own.
    post: Option<PostBox>,
    /// How many groups are still to mark their writes.
    marked: u32,
    /// What met a lock that somebody else holds, or took too long to share a commit: it is tried again elsewhere.
    later: Vec<Write>,
}

impl Worker {
    pub fn new(conn: Option<Conn>, connect: Connect, config: &Config, bell: Arc<Bell>, told: Arc<Told>) -> Self {
        let dialect = connect.dialect();
        let (chance, meter) = (Arc::clone(&config.chance), Arc::clone(&config.meter));
        let tx = conn.map(|conn| Tx::new(conn, Arc::clone(&chance), dialect.statements()));
        let (sessions, accounts) = (None, None);
        Self { tx, connect, dialect, chance, bell, meter, told, sessions, accounts, post: None, marked: 0, later: Vec::new() }
    }

    /// Tells of each commit that may have changed what is known of sessions and accounts.
    pub fn telling(mut self, holdings: Holdings<'_>) -> Self {
        (self.sessions, self.accounts) = (holdings.sessions.cloned(), holdings.accounts.cloned());
        self
    }

    /// Answers its groups by post.
    pub fn posting(mut self, post: PostBox) -> Self {
        self.post = Some(post);
        self
    }

    /// Another one, without a connection as yet, for a task of the runtime.
    pub fn another(&self) -> Self {
        let (connect, chance) = (self.connect.clone(), Arc::clone(&self.chance));
        let (bell, meter, told) = (Arc::clone(&self.bell), Arc::clone(&self.meter), Arc::clone(&self.told));
        Self {
            tx: None,
            connect,
            dialect: self.dialect,
            chance,
            bell,
            meter,
            told,
            sessions: self.sessions.clone(),
            accounts: self.accounts.clone(),
            post: None,
            marked: 0,
            later: Vec::new(),
        }
    }

    /// Counts a write that goes on aside.
    pub fn held(&self) {
        self.meter.writes.held.one();
    }

    pub const fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub const fn group(&self) -> usize {
        self.dialect.group()
    }

    /// Runs the writes, commits them together, then answers each. Writes of many statements get a commit of their own. Gives back those
    /// that have to wait: nothing of them is in the database.
    pub async fn commit(&mut self, mut writes: Vec<Write>, wait: Wait) -> Vec<Write> {
        if self.dialect == Dialect::Postgres {
            // Stable: writes of one session keep their order.
            writes.sort_by_key(|(place, _)| *place);
        }
        loop {
            writes.retain(|(_, job)| !job.abandoned());
            if writes.is_empty() {
                break;
            }
            if self.commit_some(&mut writes, wait).await == Then::OneByOne {
                for write in writes.drain(..) {
                    if self.later.iter().any(|(before, _)| before.key() == write.0.key()) {
                        // What waits for a place keeps its order.
                        self.later.push(write);
                    } else if !write.1.abandoned() {
                        self.commit_some(&mut vec![write], Wait::ONE_OF_GROUP).await;
                    }
                }
            }
        }
        std::mem::take(&mut self.later)
    }

    /// Commits as many of the writes as fit and takes them off the list; all of them where it is not known what became of them.
    async fn commit_some(&mut self, writes: &mut Vec<Write>, wait: Wait) -> Then {
        let (began, mut at) = (Instant::now(), At::Begin);
        let done = loop {
            let done = self.transact_in_time(writes, wait, &mut at).await;
            if !matches!(at, At::Broken | At::Unmarked) {
                break done;
            }
            for (_, job) in writes.iter_mut() {
                job.rewind();
            }
            // Its locks are given up before the next one asks for them.
            let ended = self.roll_back().await;
            if at == At::Broken {
                tracing::info!(
                    "a connection is of no use any more: its prepared statements, or it takes no writes; another one takes its place"
                );
            } else {
                self.marked = MARKED;
            }
            if at == At::Broken || !ended {
                self.tx = None;
            }
            at = At::Begin;
        };
        let error = match done {
            Ok(carried) => {
                self.marked = self.marked.saturating_sub(1);
                self.meter.writes.commit_seconds.observe_time(began.elapsed());
                self.meter.writes.commit_writes.observe(f64::from(u32::try_from(carried).unwrap_or(u32::MAX)));
                self.tell(writes, carried);
                return Then::GoOn;
            }
            Err(error) => error,
        };
        let locked = at == At::Begin && worth_another_try(&error);
        let undone = at.is_undone_by(&error);
        if !(locked || undone) || !self.roll_back().await {
            // Closing the connection undoes what its transaction still holds.
            self.tx = None;
        }
        let shared = writes.len() > 1;
        match at {
            At::Begin if locked => {
                if shared {
                    return Then::OneByOne;
                }
                self.later.append(writes);
                return Then::GoOn;
            }
            // The others go on without the one that takes so long.
            At::Write(slow) if (shared || wait.alone.is_some()) && is_slow(&error) => {
                for (_, job) in writes.iter_mut() {
                    job.rewind();
                }
                self.later.push(writes.remove(slow));
                tracing::warn!("a write takes too long to share a commit");
                return Then::GoOn;
            }
            At::Settle if shared && is_slow(&error) => {
                for (_, job) in writes.iter_mut() {
                    job.rewind();
                }
                // What is left for the end does not tell whose it is; the next groups leave nothing.
                self.marked = MARKED;
                tracing::warn!("the end of a commit takes too long; its writes go one by one");
                return Then::OneByOne;
            }
            At::Settle | At::Commit if undone => {
                for (_, job) in writes.iter_mut() {
                    job.rewind();
                }
                // Alone, what took too long or met a lock is known for its own; one of a group that goes one by one left nothing.
                let left = self.dialect == Dialect::Postgres && wait == Wait::USUAL;
                let unknown = shared || (left && is_undone_commit(&error) && !worth_another_try(&error));
                if at == At::Settle && self.marked == 0 && unknown {
                    // What is left for the end does not tell whose it is. With marks nothing is left, and who is at fault is undone alone.
                    self.marked = MARKED;
                    return Then::GoOn;
                }
                if shared {
                    return Then::OneByOne;
                }
                if worth_another_try(&error) {
                    self.later.append(writes);
                    return Then::GoOn;
                }
            }
            At::Begin | At::Write(_) | At::Broken | At::Unmarked | At::Settle | At::Commit => {}
        }
        self.meter.writes.lost_commits.one();
        self.told.failed(&error);
        let why = reason(&error);
        let refused = matches!(error, Error::Corrupt(_) | Error::Refused(_));
        let fate = if refused && !shared { Fate::Refused(why) } else { Fate::Lost { why, shared } };
        let all = writes.len();
        self.answer(writes, all, &fate);
        Then::GoOn
    }

    /// Tells of a commit: what it has accepted is handed over before anybody hears that it is.
    fn tell(&mut self, writes: &mut Vec<Write>, carried: usize) {
        let (rings, drawn) = self.tx.as_mut().map(|tx| (tx.take_rings(), tx.take_drawn())).unwrap_or_default();
        let handed = self.bell.handover().commit(drawn);
        self.answer(writes, carried, &Fate::Committed);
        self.ring(&rings);
        handed.ring();
    }

    /// Ends a transaction that has failed. `false` where the connection is of no use any more.
    async fn roll_back(&mut self) -> bool {
        let Some(tx) = &mut self.tx else { return false };
        let ended = tx.undo(ROLLBACK);
        match self.dialect.commit_patience() {
            Some(patience) => tokio::time::timeout(patience, ended).await.is_ok_and(|ended| ended.is_ok()),
            None => ended.await.is_ok(),
        }
    }

    /// Answers the first of the writes and takes them off the list; those that did not come to their end go on elsewhere.
    fn answer(&mut self, writes: &mut Vec<Write>, count: usize, fate: &Fate) {
        if let Some(sessions) = &self.sessions
            && writes[..count].iter().any(|(place, job)| !job.is_light() && self.may_change_sessions(*place))
        {
            sessions.forget();
        }
        // No write of a session changes an account or a plan.
        if let Some(accounts) = &self.accounts
            && writes[..count].iter().any(|(place, job)| !job.is_light() && !place.is_of_a_session())
        {
            accounts.forget();
        }
        let mut answered = Vec::with_capacity(count);
        for (place, job) in writes.drain(..count) {
            if matches!(fate, Fate::Committed) && !job.has_run() {
                self.later.push((place, job));
            } else {
                answered.push(job);
            }
        }
        if let Some(post) = &self.post {
            post.answer(answered, fate);
            return;
        }
        for job in answered {
            job.answer(fate);
        }
    }

    /// Whether a write of that place that is not made for every message may change what is known of sessions. Where others write the
    /// database too, nobody relies on more than what a session's owner writes.
    fn may_change_sessions(&self, place: Place) -> bool {
        self.dialect == Dialect::Sqlite || place.is_of_a_session()
    }

    fn ring(&self, rings: &Rings) {
        for account in &rings.accounts {
            self.bell.ring(account);
        }
        self.bell.ring_webhooks(&rings.webhooks);
    }

    pub async fn close(&mut self) {
        if let Some(tx) = self.tx.take() {
            // The last connection of SQLite to close moves the journal into the file.
            tx.conn.close().await;
        }
    }

    async fn transact_in_time(&mut self, writes: &mut [Write], wait: Wait, at: &mut At) -> Result<usize, Error> {
        match self.dialect.commit_patience() {
            Some(patience) => {
                let transaction = self.transact(writes, wait, at);
                tokio::time::timeout(patience, transaction).await.unwrap_or_else(|slow| Err(unavailable(slow)))
            }
            None => self.transact(writes, wait, at).await,
        }
    }

    /// Commits the first of the writes, and tells how many these are.
    async fn transact(&mut self, writes: &mut [Write], wait: Wait, at: &mut At) -> Result<usize, Error> {
        let (dialect, began, marked) = (self.dialect, Instant::now(), self.marked > 0);
        let locks = locks(dialect, writes);
        // Behind locks alone; and while some are known to be held nobody asks for rows beforehand.
        let foreseen = if marked || locks.is_empty() || wait != Wait::USUAL { Foreseen::default() } else { foreseen(writes) };
        let fresh = self.tx.is_none();
        let broken = |at: &mut At| {
            *at = At::Broken;
            Err(unavailable("the connection is of no use any more"))
        };
        let tx = self.connected().await?;
        let text = if marked && writes.len() > 1 { dialect.begin_with_savepoint() } else { dialect.begin() };
        // A write that goes alone because of its company, or aside, writes its own rows: what is refused or slow is known for its own then.
        let leaves = !marked && (writes.len() > 1 || wait == Wait::USUAL);
        if let Err(error) = begin(tx, text, &locks, wait, foreseen, leaves).await? {
            if !fresh && wants_another_connection(&error) {
                return broken(at);
            }
            if writes.len() > 1 || !worth_another_try(&error) {
                *at = At::Unmarked;
            }
            return Err(error);
        }
        if let [(_, job)] = writes {
            *at = At::Write(0);
            tx.share(job.is_light()).await?;
            let ran = match dialect.company_patience().and(wait.alone) {
                Some(most) => tokio::time::timeout(most, job.run(tx)).await.map_err(unavailable)?,
                None => job.run(tx).await,
            };
            tx.take_statements();
            if ran == Ran::Broken && !fresh {
                return broken(at);
            }
            if ran == Ran::Keep {
                *at = At::Settle;
                if let Err(error) = tx.settle().await {
                    return if !fresh && wants_another_connection(&error) { broken(at) } else { Err(error) };
                }
                *at = At::Commit;
                tx.conn.control(COMMIT).await?;
            } else {
                tx.undo(ROLLBACK).await?;
                drop(tx.take_drawn());
            }
            return Ok(1);
        }
        let (last, mut statements, mut held) = (writes.len() - 1, 0, Vec::new());
        let until = dialect.company_patience().map(|patience| began + patience);
        for (at_place, (place, job)) in writes.iter_mut().enumerate() {
            *at = At::Settle;
            // What is kept cannot be undone without all of the group.
            if let Err(error) = in_time(until, tx.share(!marked && job.is_light())).await {
                return if !fresh && wants_another_connection(&error) { broken(at) } else { Err(error) };
            }
            *at = At::Write(at_place);
            let ran = match until {
                // What waits for a place keeps its order.
                _ if held.contains(&place.key()) => Ran::Later,
                Some(until) => tokio::time::timeout_at(until, job.run(tx)).await.map_err(unavailable)?,
                None => job.run(tx).await,
            };
            statements += tx.take_statements();
            let late = dialect.group_patience().is_some_and(|patience| began.elapsed() >= patience);
            let full = at_place == last || statements >= dialect.statements() || late;
            match ran {
                Ran::Keep if full || !marked => {}
                Ran::Keep => tx.conn.control(NEXT).await?,
                Ran::Broken if !fresh => return broken(at),
                _ if !marked => {
                    *at = At::Unmarked;
                    return Err(unavailable("a write is to be undone"));
                }
                Ran::Undo | Ran::Broken => tx.undo(UNDO).await?,
                Ran::Later => {
                    held.push(place.key());
                    tx.undo(UNDO).await?;
                }
            }
            if full {
                *at = At::Settle;
                if let Err(error) = in_time(until, tx.settle()).await {
                    return if !fresh && wants_another_connection(&error) { broken(at) } else { Err(error) };
                }
                *at = At::Commit;
                tx.conn.control(COMMIT).await?;
                return Ok(at_place + 1);
            }
        }
        Ok(0)
    }

    async fn connected(&mut self) -> Result<&mut Tx, Error> {
        let tx = match self.tx.take() {
            Some(tx) => tx,
            None => Tx::new(self.connect.connect().await?, Arc::clone(&self.chance), self.dialect.statements()),
        };
        Ok(self.tx.insert(tx))
    }
}

/// What the group locks before its first write, in the one order that all keep.
fn locks(dialect: Dialect, writes: &[Write]) -> Vec<i64> {
    if dialect == Dialect::Sqlite {
        return Vec::new();
    }
    let mut locks: Vec<i64> = writes.iter().flat_map(|(place, _)| place.locks()).collect();
    locks.sort_unstable();
    locks.dedup();
    locks
}

/// How many messages a group looks for as it begins: each has its text, and the statement its time.
const FOUND: usize = 256;

/// The rows that the group's first writes would keep and move, each once. A write of another kind has them written back and forgotten.
fn foreseen(writes: &[Write]) -> Foreseen {
    let mut all = Foreseen::default();
    for foreseen in writes.iter().map_while(|(_, job)| job.foreseen()) {
        for key in &foreseen.kept {
            if !all.kept.iter().any(|other| other.is_like(key)) {
                all.kept.push(key.clone());
            }
        }
        for key in &foreseen.moved {
            if all.moved.len() < FOUND && !all.moved.iter().any(|other| other.is_like(key)) {
                all.moved.push(key.clone());
            }
        }
    }
    all
}

/// Begins a group with its locks and the rows that it would keep or move. The inner error is of one of these rows.
async fn begin(
    tx: &mut Tx,
    text: &'static str,
    locks: &[i64],
    wait: Wait,
    foreseen: Foreseen,
    leaves: bool,
) -> Result<Result<(), Error>, Error> {
    let Foreseen { kept, moved } = foreseen;
    let asked: Vec<_> = kept.into_iter().filter(KeptKey::is_askable).collect();
    // Whoever fails a message of the account writes on it before he writes on its session.
    let mut questions = questions_of_found(&moved);
    questions.extend(questions_of_kept(&asked));
    let answers = match tx.conn.begin(text, locks, wait, &questions).await? {
        Err(error) if questions.is_empty() => return Err(error),
        answers => answers,
    };
    tx.begin_group(leaves);
    Ok(answers.and_then(|answers| tx.foresee(asked, moved, answers)))
}

/// Carries out what a group has left for later, as long as one of its writes may take.
async fn in_time(until: Option<Instant>, rest: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    match until {
        Some(until) => tokio::time::timeout_at(until, rest).await.map_err(unavailable)?,
        None => rest.await,
    }
}

/// Whether time ran out, and nothing else is known to be wrong.
fn is_slow(error: &Error) -> bool {
    matches!(error, Error::Unavailable(cause) if cause.is::<tokio::time::error::Elapsed>())
}

/// The error with its cause, for callers that each get their own copy.
fn reason(error: &Error) -> String {
    match error {
        Error::Unavailable(cause) => cause.to_string(),
        Error::Fenced | Error::Corrupt(_) | Error::Refused(_) => error.to_string(),
    }
}
