//! The database itself: whether it can be worked with, and what it says of itself by its marks: whose it is, which master key seals what
//! stands in it, and what the clock showed.

use async_trait::async_trait;
use wharf_api::Timestamp;

use super::Error;

/// What the database says of the master key, by values that only the key itself makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyMarks {
    /// The check value of the key in force; `None` where no key has sealed anything yet.
    pub in_force: Option<String>,
    /// That of the key with which everything is being sealed anew, while it is.
    pub to_be: Option<String>,
}

#[async_trait]
pub trait DatabaseStore {
    /// Whether the database answers.
    async fn ping(&self) -> Result<(), Error>;

    /// Whether the tables can be written and are the ones that were opened, all of them readable so far. Writes nothing. A database that
    /// was found damaged stays so until the next start.
    async fn look(&self) -> Result<(), Error>;

    /// Marks the database as belonging to `world` (`production` or `sandbox`) unless it is marked already, and tells
    /// which world it belongs to.
    async fn claim_world(&self, world: &str) -> Result<String, Error>;

    /// Gives the database `name` as an installation's own unless it has one already, and tells which it has.
    async fn claim_installation(&self, name: &str) -> Result<String, Error>;

    /// The name that [`Self::claim_installation`] gave.
    async fn installation(&self) -> Result<Option<String>, Error>;

    /// Whether this is still the database that was opened, with that name of its own: no other file in its place, and no other server's.
    /// A file that cannot be looked at is still the one that is open.
    async fn is_still(&self, installation: &str) -> Result<bool, Error>;

    /// Keeps the check value of the master key unless there is one already, and tells which there is.
    async fn claim_key_check(&self, sealed: &str) -> Result<String, Error>;

    /// What is said of the master key, of one moment.
    async fn key_marks(&self) -> Result<KeyMarks, Error>;

    /// Writes down what the key of that check value is called, as long as that value is the one in force.
    async fn name_key(&self, check: &str, id: &str) -> Result<(), Error>;

    /// Whether anything stands in the database that is sealed with a master key.
    async fn is_sealed(&self) -> Result<bool, Error>;

    /// What the clock showed when [`Self::see_clock`] was told last.
    async fn clock_seen(&self) -> Result<Option<Timestamp>, Error>;

    /// Remembers what the clock shows, for the next process.
    async fn see_clock(&self, now: Timestamp) -> Result<(), Error>;

    /// Makes due at `now` what waits for longer than it can have been told to: deliveries that were tried so often and are due after that,
    /// and received files that are due after `fetches`. Tells how many.
    async fn hasten(&self, now: Timestamp, deliveries: &[(u32, Timestamp)], fetches: Timestamp) -> Result<u64, Error>;
}
