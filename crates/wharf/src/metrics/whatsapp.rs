//! What the process is towards WhatsApp: the version that it claims, how old that is, what was refused, who waits.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use wharf_api::Timestamp;
use wharf_api::types::session::WaitingFor;
use wharf_core::Services;

use super::gauge;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Fetched {
    source: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Waits {
    r#for: &'static str,
}

pub(super) fn register(registry: &mut Registry, services: &Services) {
    let whatsapp = services.engine.whatsapp();
    let claimed = vec![("version", whatsapp.claimed.clone()), ("source", whatsapp.source.as_str().to_owned())];
    registry.register("whatsapp_version", "The version of WhatsApp Web that new connections claim", Info::new(claimed));
    let now = services.clock.now();
    gauge(
        registry,
        "whatsapp_version_age_seconds",
        "Since when that version is not known to be current",
        seconds(whatsapp.current_at, now),
    );
    if let Some(end) = whatsapp.expires_at {
        gauge(registry, "whatsapp_expires_seconds", "Until WhatsApp takes that version no more, in its own words", seconds(now, end));
    }

    let fetches: Family<Fetched, Counter> = Family::default();
    for ((source, outcome), count) in services.meter.version_fetches.read() {
        fetches.get_or_create(&Fetched { source, outcome }).inc_by(count);
    }
    registry.register("whatsapp_version_fetches", "Questions for WhatsApp's newest version, by source and outcome", fetches);

    let waiting: Family<Waits, Gauge> = Family::default();
    for word in WaitingFor::ALL {
        let sessions = whatsapp.waiting.iter().find(|waiting| waiting.waiting_for == *word).map_or(0, |waiting| waiting.sessions);
        waiting.get_or_create(&Waits { r#for: word.as_str() }).set(i64::try_from(sessions).unwrap_or(i64::MAX));
    }
    registry.register("sessions_waiting", "Sessions of this process that wait for what no try of their own can bring", waiting);
}

#[expect(clippy::cast_precision_loss, reason = "no span of time comes near 2^53 milliseconds")]
fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    (to.as_millis() - from.as_millis()) as f64 / 1000.0
}
