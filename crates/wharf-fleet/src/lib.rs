//! The fleet: several nodes on one database answer for each other's sessions, over NATS.
//!
//! Work lives in the database; what crosses here is a question with its answer, a live state and a word that wakes. Losing any of it
//! costs a look or a refusal, never a message.

#![warn(unreachable_pub)]

mod access;
mod engine;
mod fault;
mod files;
mod floods;
mod follow;
mod join;
mod leave;
mod limits;
mod links;
mod members;
mod news;
mod node;
mod place;
mod probe;
mod serve;
mod tries;
mod wire;

pub use access::{Access, AccessError};
pub use join::{JoinError, Membership, Own};
pub use node::Fleet;
pub use probe::{ProbeError, probe};
