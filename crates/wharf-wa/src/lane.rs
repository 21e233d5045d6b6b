//! A queue from many to one, without a bound, that takes next to nothing while it is empty. Channels set room aside for dozens at once, a
//! kilobyte and more, and each session has two of these all its life.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use tokio::sync::Notify;

/// For how many a queue that is empty keeps room at the most.
const KEPT: usize = 8;

struct LaneState<T> {
    waiting: VecDeque<T>,
    senders: usize,
    is_read: bool,
}

struct Lane<T> {
    state: Mutex<LaneState<T>>,
    news: Notify,
}

impl<T> Lane<T> {
    fn lock(&self) -> MutexGuard<'_, LaneState<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Poll<Option<T>> {
        let mut state = self.lock();
        let next = state.waiting.pop_front();
        if state.waiting.is_empty() && state.waiting.capacity() > KEPT {
            state.waiting = VecDeque::new();
        }
        match next {
            None if state.senders > 0 => Poll::Pending,
            next => Poll::Ready(next),
        }
    }
}

/// The two ends of a new queue.
pub(crate) fn lane<T>() -> (LaneSender<T>, LaneReceiver<T>) {
    let state = LaneState { waiting: VecDeque::new(), senders: 1, is_read: true };
    let lane = Arc::new(Lane { state: Mutex::new(state), news: Notify::new() });
    (LaneSender(Arc::clone(&lane)), LaneReceiver(lane))
}

pub(crate) struct LaneSender<T>(Arc<Lane<T>>);

impl<T> LaneSender<T> {
    /// Gives it back where nobody reads any more.
    pub(crate) fn send(&self, item: T) -> Result<(), T> {
        {
            let mut state = self.0.lock();
            if !state.is_read {
                return Err(item);
            }
            state.waiting.push_back(item);
        }
        self.0.news.notify_one();
        Ok(())
    }
}

impl<T> Clone for LaneSender<T> {
    fn clone(&self) -> Self {
        self.0.lock().senders += 1;
        Self(Arc::clone(&self.0))
    }
}

impl<T> Drop for LaneSender<T> {
    fn drop(&mut self) {
        self.0.lock().senders -= 1;
        self.0.news.notify_one();
    }
}

pub(crate) struct LaneReceiver<T>(Arc<Lane<T>>);

impl<T> LaneReceiver<T> {
    /// The next, when there is one; `None` once nobody is left who could send. May be dropped at any time.
    pub(crate) async fn recv(&self) -> Option<T> {
        loop {
            if let Poll::Ready(next) = self.0.take() {
                return next;
            }
            self.0.news.notified().await;
        }
    }

    /// What is there already.
    pub(crate) fn try_recv(&self) -> Option<T> {
        match self.0.take() {
            Poll::Ready(next) => next,
            Poll::Pending => None,
        }
    }
}

impl<T> Drop for LaneReceiver<T> {
    fn drop(&mut self) {
        let left = {
            let mut state = self.0.lock();
            state.is_read = false;
            std::mem::take(&mut state.waiting)
        };
        // Outside the lock: what ends with it may send.
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn what_is_sent_comes_in_its_order_and_ends_with_the_last_sender() {
        let (sender, receiver) = lane();
        let other = sender.clone();
        let sending = async {
            for number in 0..100 {
                sender.send(number).unwrap();
                tokio::task::yield_now().await;
            }
            drop(sender);
            other.send(100).unwrap();
            drop(other);
        };
        let receiving = async {
            for number in 0..=100 {
                assert_eq!(receiver.recv().await, Some(number));
            }
            assert_eq!(receiver.recv().await, None);
        };
        tokio::join!(receiving, sending);
        assert_eq!(receiver.try_recv(), None);
    }

    #[tokio::test]
    async fn a_wait_that_was_given_up_loses_nothing() {
        let (sender, receiver) = lane();
        let mut given_up = Box::pin(receiver.recv());
        assert!((&mut given_up).now_or_never().is_none());
        sender.send(1).unwrap();
        drop(given_up);
        assert_eq!(receiver.recv().now_or_never(), Some(Some(1)));
        assert!(receiver.recv().now_or_never().is_none() && receiver.try_recv().is_none());
    }

    #[test]
    fn what_nobody_reads_any_more_comes_back_and_what_waited_is_dropped() {
        let (sender, receiver) = lane();
        let item = Arc::new(());
        sender.send(Arc::clone(&item)).unwrap();
        assert_eq!(Arc::strong_count(&item), 2);
        drop(receiver);
        assert_eq!(Arc::strong_count(&item), 1);
        assert!(sender.send(item).is_err());
    }

    #[test]
    fn a_queue_that_was_long_keeps_little_room_when_it_is_empty() {
        let (sender, receiver) = lane();
        for number in 0..1000 {
            sender.send(number).unwrap();
        }
        while receiver.try_recv().is_some() {}
        assert!(receiver.0.lock().waiting.capacity() <= KEPT);
    }
}
