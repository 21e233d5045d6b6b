//! The store's promises, each shown on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test that panics is a test that failed")]

mod harness;
mod tenant;

mod accept;
mod account;
mod audit;
mod backup;
mod bounds;
mod broken;
mod chats;
mod circle;
mod commit;
mod database;
mod erase;
mod event;
mod fence;
mod hold;
mod inbound;
mod key;
mod lane;
mod lean;
mod list;
mod locked;
mod log;
mod measure;
mod media;
mod moves;
mod notice;
mod of_message;
mod open;
mod outcome;
mod owed;
mod owner;
mod pooler;
mod receipt;
mod retain;
mod schema;
mod sealed;
mod session;
mod suspend;
mod switch;
mod trips;
mod twice;
mod unreadable;
mod user;
mod vault;
mod version;
