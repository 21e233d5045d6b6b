//! What requests and answers look like, one file per noun.

use serde::{Deserialize, Deserializer};

pub mod account;
pub mod audit;
pub mod call;
pub mod canary;
pub mod chat;
pub mod contact;
pub mod error;
pub mod event;
pub mod group;
pub mod health;
pub mod hold;
pub mod key;
pub mod login;
pub mod media;
pub mod message;
pub mod node;
pub mod passkey;
pub mod queue;
pub mod quick_start;
pub mod session;
pub mod switches;
pub mod update;
pub mod user;
pub mod webhook;
pub mod whatsapp;

/// A member that may be null, which is the same as absent.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Tells a member that is null from one that is absent.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
