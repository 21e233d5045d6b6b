//! Wharf as its users meet it: real programs, the real client library, the pretend network, both databases.

#![expect(clippy::unwrap_used, reason = "a test that panics is a test that failed")]

mod accounts;
mod aliases;
mod answers;
mod calls;
mod changes;
mod chaos;
mod commands;
mod companions;
mod events;
mod first_message;
mod forwards;
mod groups;
mod harness;
mod holds;
mod idempotency;
mod keys;
mod kill;
mod kinds;
mod limits;
mod listen;
mod manners;
mod media;
mod media_faults;
mod media_fetch;
mod media_in;
mod media_kill;
mod nodes;
mod openapi;
mod outage;
mod pace;
mod pairing;
mod passkey;
mod people;
mod programs;
mod provoke;
mod races;
mod receivers;
mod receiving;
mod statuses;
mod switches;
mod text;
mod webhooks;
mod windows;
