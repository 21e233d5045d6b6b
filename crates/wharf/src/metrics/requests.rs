//! Requests, by operation and by how they were answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use wharf_api::ErrorCode;
use wharf_api::ops::Operation;

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
    running: Arc<AtomicU64>,
}

impl Default for Requests {
    fn default() -> Self {
        Self { answered: Family::default(), took: Family::new_with_constructor(histogram), running: Arc::default() }
    }
}

/// One request that is being worked on, until it is dropped.
pub struct InProgress(Arc<AtomicU64>);

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Requests {
    /// Counts a request as being worked on.
    pub fn begin(&self) -> InProgress {
        self.running.fetch_add(1, Ordering::Relaxed);
        InProgress(Arc::clone(&self.running))
    }

    /// Counts an answer; `operation` is `None` for paths and methods that are not served.
    pub fn answered(&self, operation: Option<&'static Operation>, code: Option<ErrorCode>, took: Duration) {
        let operation = operation.map_or("none", |operation| operation.id);
        self.answered.get_or_create(&AnsweredLabels { operation, code: code.map_or("ok", ErrorCode::name) }).inc();
        self.took.get_or_create(&ByOperation { operation }).observe(took.as_secs_f64());
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("requests", "Requests that were answered, by operation and code; ok is success", self.answered.clone());
        registry.register("request_duration_seconds", "How long requests took, by operation", self.took.clone());
        let running = self.running.load(Ordering::Relaxed);
        gauge(registry, "requests_in_progress", "Requests that are being worked on", number(running));
    }
}
