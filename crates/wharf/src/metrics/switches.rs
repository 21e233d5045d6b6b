//! The operator's switches: what is paused, what is off, what WhatsApp refuses in several sessions.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use wharf_api::types::switches::Position;
use wharf_core::Services;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Paused {
    what: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByFeature {
    feature: &'static str,
}

pub(super) fn register(registry: &mut Registry, services: &Services) {
    let state = services.switches.state();
    let paused: Family<Paused, Gauge> = Family::default();
    for (what, pause) in [("connecting", state.connecting), ("sending", state.sending)] {
        paused.get_or_create(&Paused { what }).set(i64::from(pause.paused));
    }
    registry.register("whatsapp_paused", "Whether the operator has paused it for all sessions", paused);
    let (off, degraded): (Family<ByFeature, Gauge>, Family<ByFeature, Gauge>) = Default::default();
    for (feature, switch) in &state.features {
        let of = ByFeature { feature: feature.as_str() };
        off.get_or_create(&of).set(i64::from(switch.position == Position::Off));
        degraded.get_or_create(&of).set(i64::from(switch.degraded_since.is_some()));
    }
    registry.register("whatsapp_feature_off", "Whether the operator has switched the feature off", off);
    registry.register("whatsapp_feature_degraded", "Whether WhatsApp refuses the feature in several sessions", degraded);
}
