//! The rules: what may happen, when, how many times; and the ports for what the rules need.
//!
//! Names no HTTP, no SQL and no WhatsApp. The store, the engine, time and chance come in through traits.

pub mod account;
pub mod audit;
pub mod backoff;
pub mod caller;
pub mod canary;
pub mod chance;
pub mod chat;
pub mod clock;
pub mod contact;
pub mod door;
pub mod egress;
pub mod engine;
pub mod event;
pub mod gentle;
pub mod group;
pub mod idempotency;
pub mod key;
pub mod lease;
pub mod limit;
pub mod login;
pub mod media;
pub mod message;
pub mod meter;
pub mod name;
pub mod node;
pub mod others;
pub mod placement;
pub mod preview;
pub mod proxy;
pub mod queue;
pub mod readiness;
pub mod recent;
#[cfg(test)]
mod samples;
pub mod seal;
pub mod services;
pub mod session;
pub mod settle;
pub mod steady;
pub mod store;
pub mod switches;
pub mod traces;
pub mod update;
pub mod usage;
pub mod user;
pub mod waiters;
pub mod webhook;

pub use backoff::Backoff;
pub use caller::Caller;
pub use chance::Chance;
pub use clock::Clock;
pub use egress::Egress;
pub use engine::Engine;
pub use lease::Lease;
pub use meter::Meter;
pub use services::{Ports, Services};
pub use store::Store;
pub use switches::Switches;

#[cfg(test)]
mod tests;
