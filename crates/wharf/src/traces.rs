//! Traces: spans of requests, sends and deliveries on their way to the operator's collector, by OTLP. Off unless a collector is named.
//!
//! Nobody waits for the collector. Spans go through a bounded queue to a thread of their own; what finds no room or is not taken is dropped
//! and counted. Refuses everything that is not on its list of attributes, whoever wrote it into a span.

mod collector;
mod dress;
mod parent;
mod queue;
pub mod settings;
mod spans;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use moka::sync::Cache;
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanContext, TracerProvider as _};
use opentelemetry_otlp::{ExporterBuildError, Protocol, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, ParentBasedSampler, Sampler, SdkTracerProvider, SpanLimits};
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::{Layer, Registry};
use wharf_api::ids::MessageId;
use wharf_core::traces;
use wharf_wa::{Trust, TrustError};

use crate::config::Config;
use collector::Collector;
use queue::{Bounded, Count, QUEUE, Sending};
use settings::Settings;

pub(crate) use spans::{answered, delivery, request, traceparent, tried};

/// How many spans go to the collector in one request.
const BATCH: usize = 512;
/// How long a span waits for others to go with.
const GATHER: Duration = Duration::from_secs(1);
/// How long the last spans may take at the end.
const FLUSH: Duration = Duration::from_secs(2);

/// For how many messages, and for how long, it is remembered in which trace they were sent: tries and deliveries come soon, or have a trace
/// of their own.
const MESSAGES: u64 = 10_000;
const REMEMBERED: Duration = Duration::from_mins(10);

/// Why there are no traces although a collector is named.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("whatsapp.extra_root: {0}")]
    ExtraRoot(TrustError),
    #[error("the way to the collector of traces cannot be made")]
    Client(#[from] reqwest::Error),
    #[error("the exporter of traces cannot be made")]
    Exporter(#[from] ExporterBuildError),
}

/// What the whole process shares while traces are on.
struct InForce {
    count: Arc<Count>,
    messages: Cache<MessageId, SpanContext>,
}

static IN_FORCE: OnceLock<InForce> = OnceLock::new();

/// Traces that were begun. What is not ended loses the spans of the last second.
pub struct Traces {
    provider: SdkTracerProvider,
    count: Arc<Count>,
}

impl Traces {
    /// Begins what the configuration asks for; nothing where it names no collector. To be called within the runtime that goes on to the end.
    pub fn of(config: &Config) -> Result<Option<Self>, Error> {
        let Some(settings) = &config.otlp else { return Ok(None) };
        let trust = config.trust().map_err(Error::ExtraRoot)?;
        let traces = Self::new(settings, &trust)?;
        let messages = Cache::builder().max_capacity(MESSAGES).time_to_live(REMEMBERED).build();
        IN_FORCE.get_or_init(|| InForce { count: Arc::clone(&traces.count), messages });
        traces::begin(spans::Joined);
        Ok(Some(traces))
    }

    fn new(settings: &Settings, trust: &Trust) -> Result<Self, Error> {
        // What the library would read of variables of its own is said here, each of it: one place decides.
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_endpoint(settings.endpoint.as_str())
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(settings.timeout)
            .with_http_client(Collector::new(settings, trust)?)
            .build()?;
        let count = Arc::<Count>::default();
        let batches =
            BatchConfigBuilder::default().with_max_queue_size(QUEUE).with_max_export_batch_size(BATCH).with_scheduled_delay(GATHER).build();
        let batches = BatchSpanProcessor::builder(Sending::new(exporter, Arc::clone(&count))).with_batch_config(batches).build();
        let (name, version) = (settings.service_name.clone(), env!("CARGO_PKG_VERSION"));
        let named = [KeyValue::new("service.name", name), KeyValue::new("service.version", version)];
        let provider = SdkTracerProvider::builder()
            .with_span_processor(Bounded::new(batches, Arc::clone(&count)))
            .with_sampler(sampler(settings.sample_ratio))
            .with_span_limits(SpanLimits::default())
            .with_resource(Resource::builder_empty().with_attributes(named).build())
            .build();
        Ok(Self { provider, count })
    }

    /// For the subscriber that the log is of. It sees the spans that are traced, and no line.
    pub(crate) fn layer(&self) -> Box<dyn Layer<Registry> + Send + Sync> {
        let layer = tracing_opentelemetry::layer::<Registry>()
            .with_tracer(self.provider.tracer("wharf"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false);
        Box::new(layer.with_filter(filter_fn(spans::is_traced).with_max_level_hint(LevelFilter::TRACE)))
    }

    /// Sends what is left, for two seconds at the most and not beyond `left`.
    pub async fn end(self, left: Duration) {
        let Self { provider, count } = self;
        let before = count.dropped();
        let ended = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(left.min(FLUSH))).await;
        // The library tells of a time that ran out, and not of a collector that refused.
        let spans = count.waiting() as u64 + count.dropped() - before;
        if spans > 0 || !matches!(ended, Ok(Ok(()))) {
            tracing::warn!(spans, "the last spans of traces did not reach the collector");
        }
    }
}

/// A part of the traces, chosen by their ids, so that all spans of one share its lot. That a caller keeps its own trace asks for no more than
/// this part; where it does not keep it we record none of it.
fn sampler(ratio: f64) -> ParentBasedSampler {
    ParentBasedSampler::new(Sampler::TraceIdRatioBased(ratio)).with_remote_parent_sampled(Sampler::TraceIdRatioBased(ratio))
}

/// Whether spans go to a collector.
pub fn are_on() -> bool {
    IN_FORCE.get().is_some()
}

/// How many spans were dropped since the start: no room, or not taken.
pub fn dropped() -> u64 {
    IN_FORCE.get().map_or(0, |in_force| in_force.count.dropped())
}

/// Says when spans begin to be dropped, and when they reach the collector again; once each.
pub fn tell() {
    if let Some(in_force) = IN_FORCE.get() {
        in_force.count.tell();
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::Context;
    use opentelemetry::trace::{SpanId, SpanKind, TraceContextExt as _, TraceFlags, TraceId, TraceState};
    use opentelemetry_sdk::trace::{SamplingDecision, ShouldSample as _};
    use tracing::subscriber::with_default;
    use tracing::{Level, error_span, event_enabled, trace_span};
    use tracing_subscriber::EnvFilter;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn what_is_there_for_traces_alone_does_not_begin_without_them() {
        let log = tracing_subscriber::registry().with(EnvFilter::new("info,wharf=debug"));
        with_default(log, || {
            assert!(trace_span!(target: traces::TARGET, "send").is_disabled());
            assert!(!error_span!("request").is_disabled());
        });
    }

    #[test]
    fn spans_that_end_soon_are_traced_and_those_of_the_process_and_lines_are_not() {
        let traces = Traces { provider: SdkTracerProvider::builder().build(), count: Arc::default() };
        with_default(tracing_subscriber::registry().with(traces.layer()), || {
            assert!(!trace_span!(target: traces::TARGET, "send").is_disabled());
            assert!(!error_span!("request").is_disabled() && !error_span!("file").is_disabled());
            for lasting in [error_span!("session"), error_span!("webhook"), error_span!("worker")] {
                assert!(lasting.is_disabled(), "{lasting:?}");
            }
            assert!(error_span!(target: "whatsapp_rust::client", "request").is_disabled(), "another program's word");
            assert!(!event_enabled!(Level::ERROR));
        });
    }

    #[test]
    fn a_caller_that_keeps_its_trace_asks_for_no_more_than_our_part_and_one_that_does_not_for_nothing() {
        let is_recorded = |ratio: f64, trace: u128, caller: Option<TraceFlags>| {
            let trace = TraceId::from(trace);
            let context = caller.map_or_else(Context::new, |flags| {
                let above = SpanContext::new(trace, SpanId::from(7), flags, true, TraceState::default());
                Context::new().with_remote_span_context(above)
            });
            let sampled = sampler(ratio).should_sample(Some(&context), trace, "request", &SpanKind::Server, &[], &[]);
            sampled.decision == SamplingDecision::RecordAndSample
        };
        let (low, high) = (1, u128::MAX);
        for caller in [None, Some(TraceFlags::SAMPLED)] {
            assert!(is_recorded(0.5, low, caller) && !is_recorded(0.5, high, caller) && is_recorded(1.0, high, caller), "{caller:?}");
        }
        assert!(!is_recorded(1.0, low, Some(TraceFlags::default())));
    }
}
