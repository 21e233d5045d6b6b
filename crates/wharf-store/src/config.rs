//! What the store is opened with.

use std::sync::Arc;

use wharf_core::{Chance, Meter};

/// Which database, and what the store takes from outside.
#[derive(Clone)]
pub struct Config {
    /// `sqlite:PATH` or `postgres://…`.
    pub url: String,
    /// Where the ids of events come from.
    pub chance: Arc<dyn Chance>,
    /// Where commits are counted.
    pub meter: Arc<Meter>,
    /// How many connections read; `None` for 4 on SQLite and 8 on PostgreSQL.
    pub readers: Option<usize>,
    /// How many connections write; `None` for 8 on PostgreSQL. SQLite always has one.
    pub lanes: Option<usize>,
    /// Whether the schema of an older release is brought up to date. Otherwise such a database is refused, and stays as it is.
    pub updates: bool,
}

impl Config {
    pub fn new(url: impl Into<String>, chance: Arc<dyn Chance>) -> Self {
        Self { url: url.into(), chance, meter: Arc::default(), readers: None, lanes: None, updates: true }
    }
}
