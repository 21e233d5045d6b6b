//! The order in which a client hears things. The library makes a task of each stanza, and tasks overtake each other; but it begins them in
//! the order in which they came. So each task is looked at for the first time after those that were begun before it: whatever a task does
//! before it waits for anything, it does in the order of the wire.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

/// What the library has run.
pub(super) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

#[derive(Default)]
struct TurnsState {
    next: u64,
    /// Those that were not looked at yet, in their order, with whom to wake.
    waiting: VecDeque<(u64, Option<Waker>)>,
}

impl TurnsState {
    fn place(&self, number: u64) -> Option<usize> {
        self.waiting.binary_search_by_key(&number, |(number, _)| *number).ok()
    }
}

/// For how many there is room while none waits; a storm may have been longer.
const KEPT: usize = 32;

#[derive(Clone, Default)]
pub(super) struct Turns(Arc<Mutex<TurnsState>>);

impl Turns {
    fn state(&self) -> MutexGuard<'_, TurnsState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Turn {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        state.waiting.push_back((number, None));
        Turn { turns: self.clone(), number }
    }

    /// The task, which begins after all that came through here before.
    pub(super) fn in_turn(&self, mut task: Task) -> Task {
        let mut turn = Some(self.take());
        Box::pin(poll_fn(move |cx| {
            if let Some(turn) = &turn {
                ready!(turn.has_come(cx));
            }
            let polled = task.as_mut().poll(cx);
            turn = None;
            polled
        }))
    }
}

/// Passes on when it is dropped, whatever became of its task.
struct Turn {
    turns: Turns,
    number: u64,
}

impl Turn {
    fn has_come(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.turns.state();
        match state.place(self.number) {
            None | Some(0) => Poll::Ready(()),
            Some(place) => {
                state.waiting[place].1 = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.turns.state();
        if let Some(place) = state.place(self.number) {
            state.waiting.remove(place);
        }
        if state.waiting.is_empty() && state.waiting.capacity() > KEPT {
            state.waiting = VecDeque::new();
        }
        let next = state.waiting.front_mut().and_then(|(_, waker)| waker.take());
        drop(state);
        if let Some(waker) = next {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn tasks_begin_in_the_order_in_which_they_were_made_and_wait_for_no_ones_end() {
        let (turns, (sender, mut begun)) = (Turns::default(), tokio::sync::mpsc::unbounded_channel());
        for number in 0..500 {
            let sender = sender.clone();
            crate::task::spawn(turns.in_turn(Box::pin(async move {
                sender.send(number).unwrap();
                if number % 2 == 0 {
                    std::future::pending::<()>().await;
                }
            })));
        }
        for number in 0..500 {
            assert_eq!(begun.recv().await, Some(number));
        }
    }

    #[tokio::test]
    async fn a_task_that_is_given_up_before_its_turn_holds_up_nobody() {
        let turns = Turns::default();
        let (first, second) = (turns.in_turn(Box::pin(async {})), turns.in_turn(Box::pin(async {})));
        let mut third = turns.in_turn(Box::pin(async {}));
        drop(second);
        assert!((&mut third).now_or_never().is_none());
        drop(first);
        third.await;
    }
}
