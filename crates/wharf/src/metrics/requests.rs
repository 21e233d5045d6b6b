//! Requests, by operation and by how they were answered.

use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use wharf_api::ErrorCode;
use wharf_api::ops::{self, Operation};

use super::{gauge, number};

/// Seconds. The last bounds are those of sends that wait for their acknowledgement and of long polls.
const SECONDS: [f64; 13] = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnsweredLabels {
    operation: &'static str,
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByOperation {
    operation: &'static str,
}

fn histogram() -> Histogram {
    Histogram::new(SECONDS)
}

pub struct Requests {
    answered: Family<AnsweredLabels, Counter>,
    took: Family<ByOperation, Histogram, fn() -> Histogram>,
    running: AtomicU64,
    /// Those of the operations, each as soon as it was answered once, by their places in the table.
    known: Vec<OnceLock<OfOperation>>,
}

/// What is counted of one operation, found without the letters of its name.
struct OfOperation {
    took: Histogram,
    /// By the code, the last one without.
    answered: Vec<OnceLock<Counter>>,
}

impl Default for Requests {
    fn default() -> Self {
        let known = ops::ALL.iter().map(|_| OnceLock::new()).collect();
        Self { answered: Family::default(), took: Family::new_with_constructor(histogram), running: AtomicU64::default(), known }
    }
}

/// An operation's place in the table, by where it lies.
fn place(operation: &'static Operation) -> Option<usize> {
    static PLACES: LazyLock<Vec<(usize, usize)>> = LazyLock::new(|| {
        let mut places: Vec<_> = ops::ALL.iter().enumerate().map(|(place, operation)| (ptr::from_ref(*operation).addr(), place)).collect();
        places.sort_unstable();
        places
    });
    let at = PLACES.binary_search_by_key(&ptr::from_ref(operation).addr(), |(lies, _)| *lies).ok()?;
    Some(PLACES[at].1)
}

/// One request that is being worked on, until it is dropped.
pub struct InProgress<'a>(&'a AtomicU64);

impl Drop for InProgress<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Requests {
    /// Counts a request as being worked on.
    pub fn begin(&self) -> InProgress<'_> {
        self.running.fetch_add(1, Ordering::Relaxed);
        InProgress(&self.running)
    }

    /// Counts an answer; `operation` is `None` for paths and methods that are not served.
    pub fn answered(&self, operation: Option<&'static Operation>, code: Option<ErrorCode>, took: Duration) {
        let (name, seconds) = (operation.map_or("none", |operation| operation.id), took.as_secs_f64());
        let (labels, by) = (AnsweredLabels { operation: name, code: code.map_or("ok", ErrorCode::name) }, ByOperation { operation: name });
        let Some(known) = operation.and_then(place).and_then(|place| self.known.get(place)) else {
            self.answered.get_or_create(&labels).inc();
            self.took.get_or_create(&by).observe(seconds);
            return;
        };
        let known = known.get_or_init(|| OfOperation {
            took: self.took.get_or_create_owned(&by),
            answered: (0..=ErrorCode::ALL.len()).map(|_| OnceLock::new()).collect(),
        });
        let counter = &known.answered[code.map_or(ErrorCode::ALL.len(), |code| code as usize)];
        counter.get_or_init(|| self.answered.get_or_create_owned(&labels)).inc();
        known.took.observe(seconds);
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("requests", "Requests that were answered, by operation and code; ok is success", self.answered.clone());
        registry.register("request_duration_seconds", "How long requests took, by operation", self.took.clone());
        let running = self.running.load(Ordering::Relaxed);
        gauge(registry, "requests_in_progress", "Requests that are being worked on", number(running));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_by_its_place_is_counted_where_its_name_is() {
        let requests = Requests::default();
        let answered = |operation, code| requests.answered(operation, code, Duration::from_millis(1));
        for operation in ops::ALL.iter().copied() {
            assert!(place(operation).is_some(), "{}", operation.id);
            answered(Some(operation), None);
        }
        answered(Some(&ops::get_account), None);
        answered(Some(&ops::get_account), Some(ErrorCode::Conflict));
        answered(None, Some(ErrorCode::ResourceNotFound));
        let count = |operation, code| requests.answered.get_or_create(&AnsweredLabels { operation, code }).get();
        assert_eq!([count("get_account", "ok"), count("get_session", "ok"), count("get_account", "conflict")], [2, 1, 1]);
        assert_eq!(count("none", "resource_not_found"), 1);
    }
}
