//! The engine: WhatsApp sessions over the client library whatsapp-rust.
//!
//! The only room of the gateway that names the library. One task per session owns one client; its keys live sealed in
//! the store's vault; what it sends, receives and sees goes through the store's fenced verbs. Refuses to know HTTP or SQL.

#![recursion_limit = "512"]

mod backend;
mod compose;
mod config;
mod engine;
mod gate;
mod groups;
mod http;
mod people;
mod selftest;
mod session;
mod transport;
mod vault;

pub use config::Config;
pub use engine::WaEngine;
pub use selftest::accepts_foreign_chain;
