//! One write on its way through a lane.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::oneshot;
use wharf_core::store::Error;

use crate::sql::{Tx, corrupt, unavailable, worth_another_try};

/// What became of the group that a write was part of.
#[derive(Clone, Debug)]
pub(super) enum Fate {
    Committed,
    /// The connection or the commit failed; it is not known whether the database has it.
    Lost(String),
}

/// What a group does with a write that ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ran {
    Keep,
    Undo,
    /// What it wrote is undone, and it waits for its next run.
    Again,
}

/// How often the same write may be run, where the database ends it to break a circle of waits.
const TRIES: u32 = 3;

/// A write whose result type is forgotten.
pub(super) trait Job: Send {
    /// Whether nobody waits for it any more.
    fn abandoned(&self) -> bool;

    /// Does the work.
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, Ran>;

    /// Answers the caller.
    fn answer(self: Box<Self>, fate: &Fate);
}

enum Progress<T, W> {
    Waiting(W),
    /// It wrote something, and it counts once the group is committed.
    Kept(T),
    /// It wrote nothing that stays: the answer holds whatever becomes of the group.
    Undone(Result<T, Error>),
}

pub(super) struct Pending<T, W> {
    progress: Option<Progress<T, W>>,
    tries: u32,
    answer: oneshot::Sender<Result<T, Error>>,
}

impl<T, W> Pending<T, W> {
    pub fn new(work: W) -> (Self, oneshot::Receiver<Result<T, Error>>) {
        let (answer, answered) = oneshot::channel();
        (Self { progress: Some(Progress::Waiting(work)), tries: 0, answer }, answered)
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

    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, Ran> {
        Box::pin(async move {
            let Some(Progress::Waiting(work)) = self.progress.take() else { return Ran::Undo };
            self.tries += 1;
            let again = (tx.may_be_ended() && self.tries < TRIES).then(|| work.clone());
            // A fault in one write must not take the lane, and with it everybody's writes, down. What the write left
            // in the transaction is undone, so nothing half done is seen.
            let result = AssertUnwindSafe(async { work(tx).await }).catch_unwind().await;
            let discarded = tx.take_discarded();
            let (progress, ran) = match (result, again) {
                (Ok(Err(error)), Some(work)) if worth_another_try(&error) => (Progress::Waiting(work), Ran::Again),
                (Ok(Ok(value)), _) if !discarded => (Progress::Kept(value), Ran::Keep),
                (Ok(result), _) => (Progress::Undone(result), Ran::Undo),
                (Err(_), _) => (Progress::Undone(Err(corrupt("a write panicked"))), Ran::Undo),
            };
            self.progress = Some(progress);
            ran
        })
    }

    fn answer(self: Box<Self>, fate: &Fate) {
        let result = match (self.progress, fate) {
            (Some(Progress::Undone(result)), _) => result,
            (Some(Progress::Kept(value)), Fate::Committed) => Ok(value),
            (_, Fate::Lost(why)) => Err(unavailable(why.clone())),
            (_, Fate::Committed) => Err(unavailable("the write did not run")),
        };
        // The caller may have gone; what was written stays.
        let _ = self.answer.send(result);
    }
}
