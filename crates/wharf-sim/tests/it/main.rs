//! The real client library against the pretend network.

#![recursion_limit = "512"]
#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod app_state;
mod calls;
mod faults;
mod groups;
mod handshake;
mod harness;
mod load;
mod messages;
mod numbers;
mod pairing;
mod program;
mod reconnect;
mod restart;
mod strangers;
mod version;
mod wire;
