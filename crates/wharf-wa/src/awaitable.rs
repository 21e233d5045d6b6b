//! A value that tasks wait for, as in a channel that is watched but in a tenth of the room: each session has some of them all its life, and
//! mostly nobody waits.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

#[derive(Debug, Default)]
pub(crate) struct Awaitable<T> {
    value: Mutex<T>,
    news: Notify,
}

impl<T> Awaitable<T> {
    fn lock(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn look<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.lock())
    }

    /// Changes it; whoever waits looks at it once more.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let changed = change(&mut self.lock());
        self.news.notify_waiters();
        changed
    }

    /// Looks at it until something is found in it, at once and after each change.
    pub(crate) async fn until<R>(&self, mut find: impl FnMut(&T) -> Option<R>) -> R {
        loop {
            // Made before the look: it hears of each change from here on.
            let news = self.news.notified();
            let found = find(&self.lock());
            if let Some(found) = found {
                return found;
            }
            news.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn whoever_waits_hears_of_a_change_and_finds_at_once_what_is_there() {
        let value = Awaitable::<u32>::default();
        let even = |value: &u32| (*value > 0 && value.is_multiple_of(2)).then_some(*value);
        let (mut first, mut second) = (Box::pin(value.until(even)), Box::pin(value.until(even)));
        assert!((&mut first).now_or_never().is_none() && (&mut second).now_or_never().is_none());
        assert_eq!(value.change(|value| std::mem::replace(value, 1)), 0);
        assert!((&mut first).now_or_never().is_none(), "it is another change that it waits for");
        value.change(|value| *value = 2);
        assert_eq!((first.now_or_never(), second.now_or_never()), (Some(2), Some(2)));
        assert_eq!((value.until(even).now_or_never(), value.look(|value| *value)), (Some(2), 2));
    }
}
