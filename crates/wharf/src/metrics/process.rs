//! The process: what it is, and what its sessions are doing and take.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use wharf_api::types::session::SessionStatus;
use wharf_core::Services;

use super::{counter, gauge, number};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct In {
    status: &'static str,
}

pub(super) fn register(registry: &mut Registry, services: &Services, resident: Option<u64>) {
    let build = vec![("version", env!("CARGO_PKG_VERSION")), ("world", services.world)];
    registry.register("build", "The version, and the world that the database belongs to", Info::new(build));

    let statuses = services.engine.statuses();
    let sessions: Family<In, Gauge> = Family::default();
    for status in SessionStatus::ALL {
        let count = statuses.iter().filter(|seen| *seen == status).count();
        sessions.get_or_create(&In { status: status.as_str() }).set(i64::try_from(count).unwrap_or(i64::MAX));
    }
    registry.register("sessions", "Sessions of this process, by status", sessions);
    counter(registry, "sockets_lost", "Connections of linked sessions that dropped", services.meter.sockets_lost.read());
    counter(registry, "savers_halted", "Clients that gave up saving their keys and were built anew", services.meter.savers_halted.read());

    if let Some(reachable) = services.others.reachable() {
        gauge(registry, "nats_up", "1 while NATS is reached", f64::from(u8::from(reachable)));
    }
    if let Some(shared) = &services.shared {
        let alone = f64::from(u8::from(shared.alone()));
        gauge(registry, "limits_alone", "1 while limits are held without the other nodes, and for 90 seconds after that", alone);
    }
    counter(registry, "log_lines_dropped", "Lines of the log for which nobody made room", crate::log::dropped() as u64);

    let dropped = crate::traces::dropped();
    counter(registry, "trace_spans_dropped", "Spans of traces that did not reach the collector", dropped);

    if let Some(each) = resident.and_then(|bytes| bytes.checked_div(statuses.len() as u64)) {
        gauge(registry, "session_memory_bytes", "Memory of the process divided by its sessions", number(each));
    }
}
