//! What `GET /metrics` shows: counted while requests are answered, or read when somebody asks.
//!
//! No label names a tenant, a number or a key: whoever may read this may not read those. Every metric stands in
//! `docs/operations.md` with its unit and with what to be alarmed by.

mod canary;
mod machine;
mod process;
mod requests;
mod switches;
mod whatsapp;
mod work;

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet, prometheus_text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use tokio::sync::Mutex;
use tokio::time::Instant;
use wharf_core::meter::Seen;
use wharf_core::store::Backlog;
use wharf_core::{Services, store};

pub use requests::InProgress;
use requests::Requests;

/// How long the database's answers are shown again: the page is open to everybody, and must not become a load.
const FRESH: Duration = Duration::from_secs(1);
/// How long the database may take; whoever asks gives up after about ten seconds.
const PATIENCE: Duration = Duration::from_secs(3);

/// The counters of the HTTP layer, and the way to all others.
#[derive(Default)]
pub struct Metrics {
    pub requests: Requests,
    asked: Mutex<Option<(Instant, Option<Waiting>)>>,
}

/// What waits in the database. A place for whoever has another table that work waits in.
#[derive(Clone, Copy, Default)]
struct Waiting {
    messages: Backlog,
    deliveries: Backlog,
}

impl Metrics {
    /// Everything, in Prometheus's text format 0.0.4.
    pub async fn text(&self, services: &Services) -> Result<String, fmt::Error> {
        let waiting = self.waiting(services).await;
        let mut registry = Registry::with_prefix("wharf");
        self.requests.register(&mut registry);
        let resident = machine::resident_bytes();
        process::register(&mut registry, services, resident);
        switches::register(&mut registry, services);
        whatsapp::register(&mut registry, services);
        canary::register(&mut registry, services);
        work::register(&mut registry, services, waiting);
        if let Ok(Ok(free)) = tokio::time::timeout(PATIENCE, services.files.free_bytes()).await {
            gauge(&mut registry, "file_store_free_bytes", "Bytes that are free where files are written first", number(free));
        }
        let mut text = String::new();
        prometheus_text::encode(&mut text, &registry)?;
        let mut standard = Registry::default();
        machine::register(&mut standard, resident);
        prometheus_text::encode(&mut text, &standard)?;
        Ok(text)
    }

    /// `None` where the database does not answer.
    async fn waiting(&self, services: &Services) -> Option<Waiting> {
        // Who comes while another one asks waits for that answer.
        let mut asked = self.asked.lock().await;
        if let Some((at, waiting)) = *asked
            && at.elapsed() < FRESH
        {
            return waiting;
        }
        let waiting = match tokio::time::timeout(PATIENCE, ask(services)).await {
            Ok(Ok(waiting)) => Some(waiting),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the database could not be asked what waits in it");
                None
            }
            Err(_) => None,
        };
        *asked = Some((Instant::now(), waiting));
        waiting
    }
}

async fn ask(services: &Services) -> Result<Waiting, store::Error> {
    let (messages, deliveries) = (services.store.queued_backlog().await?, services.store.delivery_backlog().await?);
    Ok(Waiting { messages, deliveries })
}

/// A histogram that was read.
#[derive(Debug)]
struct Read(Seen);

impl EncodeMetric for Read {
    fn encode(&self, mut encoder: MetricEncoder) -> Result<(), fmt::Error> {
        encoder.encode_histogram::<NoLabelSet>(self.0.sum, self.0.count, &self.0.buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

fn counter(registry: &mut Registry, name: &str, help: &str, value: u64) {
    registry.register(name, help, ConstCounter::new(value));
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: f64) {
    registry.register(name, help, ConstGauge::new(value));
}

fn histogram(registry: &mut Registry, name: &str, help: &str, seen: Seen) {
    registry.register(name, help, Read(seen));
}

/// A count as the format's number.
#[expect(clippy::cast_precision_loss, reason = "nothing here comes near 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}
