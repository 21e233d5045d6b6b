//! The bounded queue in front of the collector, and the count of what it could not keep.
//!
//! The library's own queue drops without a number that anybody can read. So a span takes a place here first and gives it back once the
//! collector had its word: the library's queue is as long as there are places, and never full.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter, SpanProcessor};

use super::dress;

/// How many spans wait for the collector, or are on their way to it, at the most. One is about a kilobyte.
pub(super) const QUEUE: usize = 2048;

/// What became of spans so far.
#[derive(Debug, Default)]
pub(super) struct Count {
    waiting: AtomicUsize,
    dropped: AtomicU64,
    taken: AtomicU64,
    /// Why the collector did not take the last ones that it did not take.
    cause: Mutex<Option<String>>,
    told: Mutex<ToldLosses>,
}

/// What was seen at the last look, and whether it was said that spans are dropped.
#[derive(Debug, Default)]
struct ToldLosses {
    dropped: u64,
    taken: u64,
    since: Option<u64>,
}

/// What is new since the last look.
#[derive(Debug, PartialEq, Eq)]
enum News {
    Nothing,
    Drops,
    /// So many were dropped until the collector took some again.
    Over(u64),
}

impl Count {
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Takes a place for one span; counts it as dropped where there is none.
    fn enter(&self) -> bool {
        let more = |waiting| (waiting < QUEUE).then_some(waiting + 1);
        let entered = self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
        if !entered {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        entered
    }

    /// Gives the places of a batch back, once the collector had its word.
    fn leave(&self, spans: usize, result: &OTelSdkResult) {
        self.waiting.fetch_sub(spans, Ordering::Relaxed);
        match result {
            Ok(()) => self.taken.fetch_add(spans as u64, Ordering::Relaxed),
            Err(error) => {
                *self.cause.lock().unwrap_or_else(PoisonError::into_inner) = Some(in_words(error));
                self.dropped.fetch_add(spans as u64, Ordering::Relaxed)
            }
        };
    }

    pub(super) fn tell(&self) {
        match self.news() {
            News::Nothing => {}
            News::Drops => {
                let cause = self.cause.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let cause = cause.unwrap_or_else(|| "the collector is too slow".to_owned());
                tracing::warn!(cause, "spans of traces are dropped, which costs nothing else; it is said once more when that is over");
            }
            News::Over(spans) => tracing::info!(spans, "spans of traces reach the collector again"),
        }
    }

    /// It is over when the collector took something and nothing was dropped meanwhile: a quiet minute alone says nothing.
    fn news(&self) -> News {
        let (dropped, taken) = (self.dropped(), self.taken.load(Ordering::Relaxed));
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, grew, took) = (told.dropped, dropped > told.dropped, taken > told.taken);
        let since = told.since;
        (told.dropped, told.taken) = (dropped, taken);
        match since {
            None if grew => {
                told.since = Some(before);
                News::Drops
            }
            Some(since) if took && !grew => {
                told.since = None;
                News::Over(dropped - since)
            }
            _ => News::Nothing,
        }
    }
}

/// The library's words for it are of numbers and states; an address or a header is not among them.
fn in_words(error: &OTelSdkError) -> String {
    match error {
        OTelSdkError::InternalFailure(reason) => reason.clone(),
        other => other.to_string(),
    }
}

/// Lets spans into the next processor while there are places, and only what may leave.
#[derive(Debug)]
pub(super) struct Bounded<P> {
    next: P,
    count: Arc<Count>,
}

impl<P> Bounded<P> {
    pub(super) const fn new(next: P, count: Arc<Count>) -> Self {
        Self { next, count }
    }
}

impl<P: SpanProcessor> SpanProcessor for Bounded<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.next.on_start(span, context);
    }

    /// Runs where the span ended, in the middle of somebody's work: no line of the log, no lock, no wait.
    fn on_end(&self, span: SpanData) {
        if self.count.enter() {
            self.next.on_end(dress::dressed(span));
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}

/// Hands batches to the exporter, and counts what it did with them.
#[derive(Debug)]
pub(super) struct Sending<E> {
    exporter: E,
    count: Arc<Count>,
}

impl<E> Sending<E> {
    pub(super) const fn new(exporter: E, count: Arc<Count>) -> Self {
        Self { exporter, count }
    }
}

impl<E: SpanExporter> SpanExporter for Sending<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let result = self.exporter.export(batch).await;
        self.count.leave(spans, &result);
        result
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::dress::tests::span;

    /// Takes what it gets and says nothing.
    #[derive(Debug, Default)]
    struct Sink(Mutex<Vec<SpanData>>);

    impl SpanProcessor for Sink {
        fn on_start(&self, _span: &mut Span, _context: &Context) {}

        fn on_end(&self, span: SpanData) {
            self.0.lock().unwrap().push(span);
        }

        fn force_flush(&self) -> OTelSdkResult {
            Ok(())
        }

        fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
            Ok(())
        }
    }

    fn refused() -> OTelSdkResult {
        Err(OTelSdkError::InternalFailure("no".to_owned()))
    }

    #[test]
    fn what_finds_no_place_is_dropped_and_counted_and_a_place_that_is_given_back_is_taken_again() {
        let count = Arc::<Count>::default();
        let bounded = Bounded::new(Sink::default(), Arc::clone(&count));
        for _ in 0..QUEUE + 3 {
            bounded.on_end(span("send", &[]));
        }
        assert_eq!((count.waiting(), count.dropped(), bounded.next.0.lock().unwrap().len()), (QUEUE, 3, QUEUE));
        count.leave(2, &Ok(()));
        for _ in 0..3 {
            bounded.on_end(span("send", &[]));
        }
        assert_eq!((count.waiting(), count.dropped()), (QUEUE, 4));
        count.leave(QUEUE, &refused());
        assert_eq!((count.waiting(), count.dropped()), (0, 4 + QUEUE as u64));
    }

    #[test]
    fn a_collector_that_is_away_is_told_once_and_its_return_once() {
        let count = Count::default();
        let batch = |result: &OTelSdkResult| {
            count.waiting.fetch_add(5, Ordering::Relaxed);
            count.leave(5, result);
        };
        assert_eq!(count.news(), News::Nothing);
        batch(&refused());
        assert_eq!(count.news(), News::Drops);
        for _ in 0..42 {
            assert_eq!(count.news(), News::Nothing, "nothing came, and so nothing is known");
            batch(&refused());
            assert_eq!(count.news(), News::Nothing);
        }
        batch(&Ok(()));
        batch(&refused());
        assert_eq!(count.news(), News::Nothing, "some are taken and some are dropped");
        batch(&Ok(()));
        assert_eq!(count.news(), News::Over(44 * 5));
        batch(&Ok(()));
        assert_eq!(count.news(), News::Nothing);
        batch(&refused());
        assert_eq!(count.news(), News::Drops);
    }
}
