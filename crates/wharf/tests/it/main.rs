//! The gateway's HTTP over a real socket and a real database, with a pretend engine.

#![expect(clippy::unwrap_used, reason = "a test that panics is a test that failed")]

mod answers;
mod audit;
mod bucket;
mod causes;
mod cors;
mod couriers;
mod door;
mod edges;
mod egress;
mod empty;
mod encrypted;
mod events;
mod exports;
mod halves;
mod harness;
mod hints;
mod idempotency;
mod logins;
mod malformed;
mod media;
mod metrics;
mod numbers;
mod order;
mod previews;
mod queues;
mod readers;
mod refusals;
mod retention;
mod scale;
mod sessions;
mod sockets;
mod stop;
mod suspended;
mod tenants;
mod tokens;
mod types;
mod updates;
mod wire;
mod wrappings;
