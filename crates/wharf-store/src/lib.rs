//! The SQL: [`wharf_core::store::Store`] on SQLite and on PostgreSQL, from one text per statement.
//!
//! Writes travel through lanes that commit in groups; reads go beside them and see what is committed. This crate owns
//! the schema, the statements and the transactions. It refuses to decide: limits, ids and times come in as arguments.

mod account;
mod audit;
pub mod backup;
mod canary;
mod census;
mod config;
mod database;
mod dialect;
mod erase;
mod event;
mod fitness;
mod glance;
mod group_end;
mod hold;
mod horizon;
mod idempotency;
mod inspect;
mod key;
mod lane;
mod media;
mod message;
mod migrations;
mod node;
mod open;
mod owner;
mod plan;
mod readers;
mod sealed;
mod session;
mod sql;
mod statements;
mod store;
mod suspend;
mod switch;
mod update;
mod usage;
mod user;
mod vault;
mod version;
mod webhook;

pub use config::Config;
pub use dialect::Durability;
pub use event::{message_of, told_in};
pub use glance::{Glance, glance};
pub use inspect::{Class, Found, Inspection, Report, inspect};
pub use open::{OpenError, is_in_use, open, open_beside};
pub use sealed::{Kind as SealedKind, NodeKeys, Resealed, SealedBy};
pub use store::SqlStore;
