//! Lanes: each is one task with one connection that commits writes in groups.
//!
//! A write waits for no company by the clock: the lane takes what queued up while it committed the group before. Where writes come close
//! together it first lets those run who are ready to (see [`Gathering`]). SQLite has one lane, its one writer. PostgreSQL has several; an
//! account always has the same, so two lanes do not fight over its rows.
//! A write whose lock somebody else holds leaves its lane, so that it holds up nobody (see [`aside`]).

mod aside;
mod batch;
mod gathering;
mod job;
mod post;
mod told;

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use sha2::{Digest as _, Sha256};
use tokio::sync::{mpsc, oneshot};
use wharf_api::ids::{AccountId, SessionId, UserId};
use wharf_core::Meter;
use wharf_core::event::Bell;
use wharf_core::recent::Recent;
use wharf_core::store::{AccountRow, Error, Fence, SessionRow};

use crate::config::Config;
use crate::dialect::{Connect, Dialect};
use crate::sql::{Conn, KeptKey, Tx, unavailable};
use aside::Aside;
use batch::Worker;
use gathering::Gathering;
use job::{Job, Pending};
use post::PostBox;
use told::Told;

pub(crate) use job::Foreseen;

/// How many writes may queue before callers wait for room.
const QUEUE: usize = 4096;

/// Whose rows a write touches.
///
/// This is the one order of locks on PostgreSQL, where other processes write as well: a group locks all its places before its
/// first write, in the order of their numbers. So two groups never hold what the other waits for, whatever order their
/// statements go in. A write names its session, and its account too where it touches rows that the account's sessions
/// share: the day's count, the claims, the account's own events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    account: u64,
    /// `None` for a write of the account that is of none of its sessions.
    session: Option<u64>,
    shared: bool,
}

impl Place {
    /// Rows of the gateway as a whole, or of many accounts.
    pub fn gateway() -> Self {
        Self::named("", "")
    }

    /// What a node writes of itself.
    pub fn node(id: &str) -> Self {
        Self::named(id, "")
    }

    /// A look whether the database can be written, which waits for nobody's rows.
    pub fn look() -> Self {
        Self::named("", "look")
    }

    pub fn account(id: &AccountId) -> Self {
        Self::named(id.as_str(), "")
    }

    pub fn user(id: &UserId) -> Self {
        Self::named(id.as_str(), "")
    }

    pub fn session(account: &AccountId, session: &SessionId) -> Self {
        Self::named(account.as_str(), session.as_str())
    }

    /// The session that the caller owns.
    pub fn fenced(fence: &Fence) -> Self {
        Self::session(&fence.account, &fence.session)
    }

    /// The session, and rows that its account's sessions share.
    pub fn shared(account: &AccountId, session: &SessionId) -> Self {
        Self { shared: true, ..Self::session(account, session) }
    }

    /// The place by its ids as a row has them; an empty one is none. The hashes are the same in every process of every release: see [`hash`].
    pub fn named(account: &str, session: &str) -> Self {
        let session = (!session.is_empty()).then(|| hash(session));
        Self { account: hash(account), session, shared: session.is_none() }
    }

    /// Whose writes keep their order, and wait for each other where a lock is held.
    fn key(self) -> u64 {
        self.session.unwrap_or(self.account)
    }

    /// Whether it is one session's.
    pub const fn is_of_a_session(self) -> bool {
        self.session.is_some()
    }

    /// What the group locks for it.
    fn locks(self) -> impl Iterator<Item = i64> {
        self.shared.then_some(self.account).into_iter().chain(self.session).map(u64::cast_signed)
    }
}

/// The first eight bytes of the SHA-256, the highest first. Nodes of two releases that hashed differently would lock past each other.
fn hash(text: &str) -> u64 {
    let digest = Sha256::digest(text.as_bytes());
    let first = digest.first_chunk().expect("it has thirty-two bytes");
    u64::from_be_bytes(*first)
}

/// How long a commit waits for a lock that somebody else holds: for its places, and then for each row. On PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    pub places: Duration,
    pub rows: Duration,
    /// How long a write that is alone in its commit may then run before it goes on aside; `None` where nobody waits behind it.
    pub alone: Option<Duration>,
}

impl Wait {
    pub const USUAL: Self = Self { places: Duration::from_millis(250), rows: Duration::from_millis(250), alone: None };
    /// While locks are known to be held.
    pub const SHORT: Self = Self { places: Duration::from_millis(100), rows: Duration::from_millis(100), alone: None };
    /// For one of a group that goes one by one: the group has waited already, and the others of it wait for this one.
    pub const ONE_OF_GROUP: Self = Self { alone: Some(Duration::from_millis(250)), ..Self::SHORT };
}

/// Sessions as they were read last.
pub(crate) type Sessions = Recent<SessionId, SessionRow>;

/// Accounts with their plans as they were read last.
pub(crate) type RecentAccounts = Recent<AccountId, AccountRow>;

/// What a process has of a database, with its lanes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Holdings<'a> {
    /// Of a database that it alone writes. Kept until the last lane has closed.
    pub lock: Option<&'a Arc<File>>,
    /// Told of each commit that may have changed what is known of them.
    pub sessions: Option<&'a Arc<Sessions>>,
    /// And of them.
    pub accounts: Option<&'a Arc<RecentAccounts>>,
}

enum Errand {
    Job(Place, Box<dyn Job>),
    /// Carry out what is queued, then close the connection and tell.
    Close(oneshot::Sender<()>),
}

/// The senders' side of all lanes.
pub(crate) struct Lanes {
    senders: Vec<mpsc::Sender<Errand>>,
    dialect: Dialect,
    meter: Arc<Meter>,
}

impl Lanes {
    /// Starts one lane for each connection.
    pub fn start(conns: Vec<Conn>, connect: &Connect, config: &Config, bell: &Arc<Bell>, holdings: Holdings<'_>) -> Self {
        let (dialect, told) = (connect.dialect(), Arc::<Told>::default());
        let start = |conn| {
            let (sender, letters) = mpsc::channel(QUEUE);
            let worker = Worker::new(Some(conn), connect.clone(), config, Arc::clone(bell), Arc::clone(&told)).telling(holdings);
            // A task of the runtime wakes its neighbours without a switch of threads.
            let worker = if dialect == Dialect::Sqlite { worker.posting(PostBox::start()) } else { worker };
            spawn(dialect, run(worker, letters, holdings.lock.cloned()));
            sender
        };
        Self { senders: conns.into_iter().map(start).collect(), dialect, meter: Arc::clone(&config.meter) }
    }

    /// Runs `work` in the transaction of its lane and answers after the commit. Dropping the future leaves it open
    /// whether the work is done; it is never done by half.
    /// It is run anew where a lock that it needs was not to be had, as long as its caller waits.
    pub async fn write<T, W>(&self, place: Place, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Error>> + Clone + Send + 'static,
    {
        self.run(place, Pending::new(work, None)).await
    }

    /// Runs a write that is made for every message, and changes none of the rows that a group keeps but by [`Tx::keep`]: between two
    /// of these nothing is written back. PostgreSQL is asked for the rows of `keys` as the group begins; what is not among these is read when
    /// the write asks for it.
    pub async fn write_light<T, W>(&self, place: Place, keys: Vec<KeptKey>, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Error>> + Clone + Send + 'static,
    {
        self.write_foreseen(place, Foreseen { kept: keys, moved: Vec::new() }, work).await
    }

    /// Runs a light write that moves messages as well: by [`Tx::advance`] those that PostgreSQL has found as the group began. A statement
    /// that a write of the group makes finds them moved, and whoever comes behind it looks for himself.
    pub async fn write_foreseen<T, W>(&self, place: Place, foreseen: Foreseen, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Error>> + Clone + Send + 'static,
    {
        self.run(place, Pending::new(work, Some(foreseen))).await
    }

    async fn run<T, W>(&self, place: Place, (job, answer): (Pending<T, W>, oneshot::Receiver<Result<T, Error>>)) -> Result<T, Error>
    where
        T: Send + 'static,
        W: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Error>> + Clone + Send + 'static,
    {
        let lane = &self.senders[usize::try_from(place.account % self.senders.len() as u64).unwrap_or_default()];
        let answered = async {
            lane.send(Errand::Job(place, Box::new(job))).await.map_err(|_| unavailable("the store is closed"))?;
            answer.await.map_err(|_| unavailable("the store closed before the write was done"))?
        };
        let result = tokio::time::timeout(self.dialect.caller_patience(), answered).await.map_err(unavailable)?;
        if matches!(result, Err(Error::Fenced)) {
            self.meter.writes.fenced.one();
        }
        result
    }

    /// How many writes wait for a lane.
    pub fn waiting(&self) -> usize {
        self.senders.iter().map(|lane| lane.max_capacity() - lane.capacity()).sum()
    }

    /// Carries out what is queued and closes every lane.
    pub async fn close(&self) {
        for lane in &self.senders {
            let (done, closed) = oneshot::channel();
            if lane.send(Errand::Close(done)).await.is_ok() {
                // A lane that ended before it could tell is closed too.
                let _ = closed.await;
            }
        }
    }
}

/// A lane on SQLite has a thread of its own: its statements and its syncs to disk block it.
fn spawn(dialect: Dialect, lane: impl Future<Output = ()> + Send + 'static) {
    match dialect {
        Dialect::Sqlite => drop(std::thread::spawn(move || futures_executor::block_on(lane))),
        Dialect::Postgres => drop(tokio::spawn(lane)),
    }
}

async fn run(mut worker: Worker, mut letters: mpsc::Receiver<Errand>, lock: Option<Arc<File>>) {
    let (mut closing, mut aside, mut gathering) = (None, None::<Aside>, Gathering::new(worker.dialect()));
    while let Some(letter) = letters.recv().await {
        gathering.gather(worker.group(), || letters.len()).await;
        let mut jobs = Vec::new();
        let mut next = Some(letter);
        while let Some(letter) = next {
            match letter {
                Errand::Job(place, job) => match &aside {
                    Some(aside) if aside.has(place) => aside.push((place, job)),
                    _ => jobs.push((place, job)),
                },
                Errand::Close(done) => {
                    letters.close();
                    closing = Some(done);
                }
            }
            next = if jobs.len() < worker.group() { letters.try_recv().ok() } else { None };
        }
        gathering.note(jobs.len());
        let wait = if aside.as_ref().is_none_or(Aside::is_idle) { Wait::USUAL } else { Wait::SHORT };
        for write in worker.commit(jobs, wait).await {
            worker.held();
            aside.get_or_insert_with(|| Aside::start(worker.another())).push(write);
        }
    }
    worker.close().await;
    if let Some(aside) = aside {
        aside.close().await;
    }
    drop(lock);
    if let Some(done) = closing {
        // Whoever asked may have gone.
        let _ = done.send(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_locks_are_those_of_every_other_release() {
        assert_eq!(hash("abc"), 0xba78_16bf_8f01_cfea);
        let locks: Vec<_> = Place::node("abc").locks().collect();
        assert_eq!(locks, [0xba78_16bf_8f01_cfea_u64.cast_signed()]);
    }
}
