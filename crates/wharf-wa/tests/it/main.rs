//! The engine with the real store against the pretend network.

#![recursion_limit = "512"]
#![expect(clippy::disallowed_methods, reason = "tests have no sessions to name")]
#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod ends;
mod harness;
mod library;
mod link;
mod memory;
mod passkey;
mod probe;
mod proxy;
mod receive;
mod send;
mod ways;
