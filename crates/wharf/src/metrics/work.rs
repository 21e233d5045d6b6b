//! Messages and the store: what was done, what waits, and since when.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use wharf_api::Timestamp;
use wharf_core::Services;
use wharf_core::meter::{Counter as Count, Meter, Sends, Unknown};
use wharf_core::readiness::Part;
use wharf_core::store::Backlog;

use super::{Waiting, counter, gauge, histogram, number};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct How {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Where {
    place: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    code: String,
}

pub(super) fn register(registry: &mut Registry, services: &Services, waiting: Option<Waiting>) {
    let meter = &*services.meter;
    registry.register("sends", "Tries to send, by outcome", sends(&meter.sends));
    let acks = meter.sends.ack_seconds.read();
    histogram(registry, "send_ack_duration_seconds", "From the acceptance of a message to its acknowledgement", acks);
    counter(registry, "received", "Messages that came in and are stored", meter.received.read());
    let removed = meter.messages_removed.read();
    counter(registry, "messages_removed", "Messages that were removed because their plan keeps them no longer", removed);
    counter(
        registry,
        "media_damaged",
        "Stored files that were asked for and were gone or not what was taken in",
        meter.media_damaged.read(),
    );
    counter(registry, "recovered", "Messages that the account's own phone gave again", meter.recovered.read());
    counter(registry, "devices_unkeyed", "Devices that a message could not be sealed for", meter.devices_unkeyed.read());
    let dropped = meter.leftovers_dropped.read();
    counter(registry, "leftovers_dropped", "Statuses that were kept for the next connection and could not be read then", dropped);
    counter(registry, "undecryptable", "Messages that came in and could not be decrypted at once", meter.undecryptable.read());

    let unreadable = meter.unreadable_rows.read();
    counter(registry, "unreadable_rows", "Rows of messages that were looked for and cannot be read", unreadable);

    let stopped = number(meter.stopped_intakes.read());
    gauge(registry, "intakes_stopped", "Sessions that take no messages because the database refuses to keep them", stopped);

    registry.register("whatsapp_unknown", "Words of WhatsApp that the client library does not know, by place", unknown(&meter.unknown));
    registry.register("whatsapp_refusals", "What WhatsApp refused: logins, registrations, pairings, streams; by its code", refusals(meter));
    counter(registry, "phones_away", "Sessions whose phone was not heard of for ten days", meter.phones_away.read());

    let webhooks = &meter.webhooks;
    let tries = [("accepted", &webhooks.accepted), ("refused", &webhooks.refused), ("unanswered", &webhooks.unanswered)];
    registry.register("webhook_tries", "Requests to webhooks, by outcome", by_outcome(&tries));
    histogram(registry, "webhook_duration_seconds", "How long requests to webhooks took", webhooks.seconds.read());

    let logins = &meter.logins;
    let tries = [("accepted", &logins.accepted), ("refused", &logins.refused), ("throttled", &logins.throttled)];
    registry.register("logins", "Tries to sign in, by outcome", by_outcome(&tries));

    let writes = &meter.writes;
    histogram(registry, "store_commit_duration_seconds", "How long commits took", writes.commit_seconds.read());
    histogram(registry, "store_commit_writes", "How many writes shared a commit", writes.commit_writes.read());
    counter(registry, "store_lost_commits", "Commits that failed, or of which nobody knows", writes.lost_commits.read());
    counter(
        registry,
        "store_held_writes",
        "Writes that met a lock of somebody else's, or took too long to share a commit",
        writes.held.read(),
    );
    counter(registry, "fenced_writes", "Writes of an engine that did not own its session any more", writes.fenced.read());
    gauge(registry, "store_waiting_writes", "Writes that wait for their turn", number(services.store.waiting_writes() as u64));

    let doubted = if services.steady.is_in_doubt() { 1.0 } else { 0.0 };
    gauge(registry, "clock_doubted", "Whether the clock is too far ahead to be believed", doubted);
    let up = waiting.is_some() && services.readiness.database().is_none();
    gauge(registry, "database_up", "Whether the database answers and takes writes", if up { 1.0 } else { 0.0 });
    let files = services.readiness.of(Part::Files).is_none();
    gauge(registry, "file_store_up", "Whether a file could be taken in", if files { 1.0 } else { 0.0 });
    let Some(waiting) = waiting else { return };
    let now = services.clock.now();
    backlog(registry, "queue", "messages to be sent", waiting.messages, now);
    backlog(registry, "webhook", "events on their way to webhooks", waiting.deliveries, now);
}

fn refusals(meter: &Meter) -> Family<Refused, Counter> {
    let family: Family<Refused, Counter> = Family::default();
    for (code, count) in meter.refusals.read() {
        let code = code.map_or_else(|| "other".to_owned(), |code| code.to_string());
        family.get_or_create(&Refused { code }).inc_by(count);
    }
    family
}

fn sends(sends: &Sends) -> Family<How, Counter> {
    by_outcome(&[
        ("sent", &sends.sent),
        ("failed", &sends.failed),
        ("expired", &sends.expired),
        ("retried", &sends.retried),
        ("held", &sends.held),
    ])
}

fn unknown(unknown: &Unknown) -> Family<Where, Counter> {
    let family: Family<Where, Counter> = Family::default();
    for (place, count) in [
        ("tag", &unknown.tag),
        ("notification", &unknown.notification),
        ("ib", &unknown.ib),
        ("enc", &unknown.enc),
        ("nack", &unknown.nack),
        ("other", &unknown.other),
    ] {
        family.get_or_create(&Where { place }).inc_by(count.read());
    }
    family
}

fn by_outcome(counts: &[(&'static str, &Count)]) -> Family<How, Counter> {
    let family: Family<How, Counter> = Family::default();
    for (outcome, count) in counts {
        family.get_or_create(&How { outcome }).inc_by(count.read());
    }
    family
}

/// Two gauges: how many wait, and for how many seconds the oldest does; 0 where none waits.
fn backlog(registry: &mut Registry, name: &str, what: &str, backlog: Backlog, now: Timestamp) {
    gauge(registry, &format!("{name}_waiting"), &format!("How many wait: {what}"), number(backlog.waiting));
    let age_ms = backlog.oldest_at.map_or(0, |at| u64::try_from(now.as_millis() - at.as_millis()).unwrap_or(0));
    gauge(registry, &format!("{name}_oldest_seconds"), &format!("Since when the oldest waits: {what}"), number(age_ms) / 1000.0);
}
