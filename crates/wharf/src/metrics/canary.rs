//! The canary sessions: how long each step took last, and how often it failed.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use wharf_core::Services;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByStep {
    step: &'static str,
}

pub(super) fn register(registry: &mut Registry, services: &Services) {
    let seconds: Family<ByStep, Gauge<f64, AtomicU64>> = Family::default();
    let failures: Family<ByStep, Counter> = Family::default();
    for (step, counted) in services.canary.counted() {
        let of = ByStep { step: step.as_str() };
        failures.get_or_create(&of).inc_by(counted.failures);
        if let Some(took) = counted.took {
            seconds.get_or_create(&of).set(took.as_secs_f64());
        }
    }
    registry.register("canary_seconds", "How long the last run of a canary step took that went well", seconds);
    registry.register("canary_failures", "Runs of canary steps that failed", failures);
}
