//! One write on its way through a lane.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::oneshot;
use wharf_core::store::Error;

use crate::sql::{FoundKey, KeptKey, Tx, corrupt, refused, unavailable, wants_another_connection, worth_another_try};

/// What became of the commit that a write was part of.
#[derive(Clone, Debug)]
pub(super) enum Fate {
    Committed,
    /// The database answered that it does not commit this write, which was alone.
    Refused(String),
    /// The connection or the commit failed; it is not known whether the database has it.
    Lost {
        why: String,
        /// Whether other writes shared it: what this one has read may be theirs, and gone with them.
        shared: bool,
    },
}

/// What a commit does with a write that ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ran {
    Keep,
    Undo,
    /// A lock was not to be had. What it wrote is undone, and it waits for another run.
    Later,
    /// Its connection is of no use any more. On a fresh one that is its answer.
    Broken,
}

/// What a light write would ask for first.
#[derive(Default)]
pub(crate) struct Foreseen {
    /// The rows that it would keep, in the order in which it asks for them.
    pub kept: Vec<KeptKey>,
    /// The messages that it would move.
    pub moved: Vec<FoundKey>,
}

/// A write whose result type is forgotten.
pub(super) trait Job: Send {
    /// Whether nobody waits for it any more.
    fn abandoned(&self) -> bool;

    /// Whether it changes none of the rows that a group keeps, but by [`Tx::keep`].
    fn is_light(&self) -> bool;

    /// What it would ask for first, where it is light.
    fn foreseen(&self) -> Option<&Foreseen>;

    /// Does the work.
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, Ran>;

    /// Whether it came to an end in its last run.
    fn has_run(&self) -> bool;

    /// Forgets that it ran: nothing of it is in the database.
    fn rewind(&mut self);

    /// Answers the caller.
    fn answer(self: Box<Self>, fate: &Fate);
}

enum Progress<T> {
    /// It wrote something, and it counts once the commit is made.
    Kept(T),
    /// It wrote nothing that stays.
    Undone(Result<T, Error>),
}

pub(super) struct Pending<T, W> {
    work: W,
    /// What it would ask for first, where it is light.
    light: Option<Foreseen>,
    /// `None` until it ran.
    progress: Option<Progress<T>>,
    answer: oneshot::Sender<Result<T, Error>>,
}

impl<T, W> Pending<T, W> {
    pub fn new(work: W, light: Option<Foreseen>) -> (Self, oneshot::Receiver<Result<T, Error>>) {
        let (answer, answered) = oneshot::channel();
        (Self { work, light, progress: None, answer }, answered)
    }
}

impl<T, W> Job for Pending<T, W>
where
    T: Send + 'static,
    W: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Error>> + Clone + Send + 'static,
{
    fn abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    fn is_light(&self) -> bool {
        self.light.is_some()
    }

    fn foreseen(&self) -> Option<&Foreseen> {
        self.light.as_ref()
    }

    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, Ran> {
        Box::pin(async move {
            let work = self.work.clone();
            // A fault in one write must not take the lane, and with it everybody's writes, down. What the write left
            // in the transaction is undone, so nothing half done is seen.
            let result = AssertUnwindSafe(async { work(tx).await }).catch_unwind().await;
            let discarded = tx.take_discarded();
            let (progress, ran) = match result {
                Ok(Err(error)) if worth_another_try(&error) => (None, Ran::Later),
                Ok(Err(error)) if wants_another_connection(&error) => (Some(Progress::Undone(Err(error))), Ran::Broken),
                Ok(Ok(value)) if !discarded => (Some(Progress::Kept(value)), Ran::Keep),
                Ok(result) => (Some(Progress::Undone(result)), Ran::Undo),
                Err(_) => (Some(Progress::Undone(Err(corrupt("a write panicked")))), Ran::Undo),
            };
            self.progress = progress;
            ran
        })
    }

    fn has_run(&self) -> bool {
        self.progress.is_some()
    }

    fn rewind(&mut self) {
        self.progress = None;
    }

    fn answer(self: Box<Self>, fate: &Fate) {
        let result = match (self.progress, fate) {
            (Some(Progress::Undone(result)), Fate::Committed | Fate::Refused(_) | Fate::Lost { shared: false, .. }) => result,
            (Some(Progress::Kept(value)), Fate::Committed) => Ok(value),
            (_, Fate::Lost { why, .. }) => Err(unavailable(why.clone())),
            (_, Fate::Refused(why)) => Err(refused(why.clone())),
            (None, Fate::Committed) => Err(unavailable("the write did not run")),
        };
        // The caller may have gone; what was written stays.
        let _ = self.answer.send(result);
    }
}
