//! The engine: WhatsApp sessions over the client library whatsapp-rust.
//!
//! The only room of the gateway that names the library. One task per session owns one client; its keys live sealed in
//! the store's vault; what it sends, receives and sees goes through the store's fenced verbs. Refuses to know HTTP or SQL.

#![recursion_limit = "512"]
#![warn(unreachable_pub)]

mod awaitable;
mod backend;
mod beat;
mod compose;
mod config;
mod engine;
mod error;
mod gate;
mod groups;
mod http;
mod lane;
mod library;
mod people;
mod probe;
mod ratchet;
mod selftest;
mod session;
mod shelf;
mod standing;
mod task;
mod transport;
mod typing;
mod vault;
mod version;

pub use compose::reads_back;
pub use config::Config;
pub use engine::WaEngine;
pub use library::{LIBRARY, LIBRARY_RELEASED_SECS};
pub use probe::{PATIENCE as PROBE_PATIENCE, Probe, Step as ProbeStep, Verdict as ProbeVerdict, media, probe, reach};
pub use selftest::accepts_foreign_chain;
pub use transport::{Trust, TrustError};
pub use version::built_in::REVISION as BUILT_IN_REVISION;
pub use version::{Claim, claim};
