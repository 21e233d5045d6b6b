//! One write on its way through a lane.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::oneshot;
use wharf_core::store::Error;

use crate::sql::{Tx, corrupt, unavailable};

/// What became of the group that a write was part of.
#[derive(Clone, Debug)]
pub(super) enum Fate {
    Committed,
    /// The connection or the commit failed; it is not known whether the database has it.
    Lost(String),
}

/// A write whose result type is forgotten.
pub(super) trait Job: Send {
    /// Whether nobody waits for it any more.
    fn abandoned(&self) -> bool;

    /// Does the work; tells whether what it wrote is to be kept.
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, bool>;

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
    answer: oneshot::Sender<Result<T, Error>>,
}

impl<T, W> Pending<T, W> {
    pub fn new(work: W) -> (Self, oneshot::Receiver<Result<T, Error>>) {
        let (answer, answered) = oneshot::channel();
        (Self { progress: Some(Progress::Waiting(work)), answer }, answered)
    }
}

impl<T, W> Job for Pending<T, W>
where
    T: Send + 'static,
    W: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
{
    fn abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, bool> {
        Box::pin(async move {
            let Some(Progress::Waiting(work)) = self.progress.take() else { return false };
            // A fault in one write must not take the lane, and with it everybody's writes, down. What the write left
            // in the transaction is undone, so nothing half done is seen.
            let result = AssertUnwindSafe(async { work(tx).await }).catch_unwind().await;
            let discarded = tx.take_discarded();
            let progress = match result {
                Ok(Ok(value)) if !discarded => Progress::Kept(value),
                Ok(result) => Progress::Undone(result),
                Err(_) => Progress::Undone(Err(corrupt("a write panicked"))),
            };
            let kept = matches!(progress, Progress::Kept(_));
            self.progress = Some(progress);
            kept
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
