//! The operator's switches as stored, one set for all nodes.

use async_trait::async_trait;
use wharf_api::Timestamp;

use super::Error;

/// One switch that is not where it stands by default, or that is degraded. Names and positions are words: an older program must read
/// what a newer one wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwitchRow {
    pub name: String,
    pub position: String,
    /// When somebody set it.
    pub since: Option<Timestamp>,
    pub degraded_since: Option<Timestamp>,
}

#[async_trait]
pub trait SwitchStore {
    async fn list_switches(&self) -> Result<Vec<SwitchRow>, Error>;

    /// Sets switches, names with their positions, in one commit. One that stands there already keeps its time; every one that is named
    /// is no longer degraded.
    async fn set_switches(&self, switches: &[(String, String)], at: Timestamp) -> Result<(), Error>;

    /// Marks a switch as degraded since `at`; `position` is for one that has no row. `false` where it is marked already.
    async fn degrade_switch(&self, name: &str, position: &str, at: Timestamp) -> Result<bool, Error>;
}
