//! A pretend WhatsApp network for tests and demonstrations, on loopback only.
//!
//! Owns a server that speaks the real protocol (Noise, binary stanzas, pairing, Signal key distribution, routing, receipts), phones with
//! people behind them that really encrypt and decrypt, and a control API. Refuses any address that is not loopback, and knows nothing of
//! the gateway: what connects to it is the real client library.

#![warn(unreachable_pub)]

mod account;
mod address;
mod books;
mod calls;
mod cast;
mod clock;
mod config;
mod connection;
mod control;
mod crowd;
mod delivery;
mod faults;
mod group;
mod guests;
mod history;
mod keys;
mod line;
mod many;
mod media;
mod network;
mod noise;
mod pairing;
mod persist;
mod phone;
mod presence;
mod profile;
mod receipts;
mod restriction;
mod router;
mod spelling;
mod stanza;
mod stats;
mod status;
mod version;
mod wire;

pub use config::{Config, Error, Wishes};
pub use guests::own;
pub use line::JsonLine;
pub use network::Network;
