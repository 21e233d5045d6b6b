//! The contract: every shape, name, limit and code that a customer can see.
//!
//! This crate owns the wire types, the identifiers, the limits, the table of operations and the error catalogue.
//! It refuses everything that does something: no sockets, no storage, no clock.

pub mod envelope;
pub mod error;
pub mod ids;
pub mod limits;
pub mod openapi;
pub mod ops;
pub mod permission;
pub mod recipient;
pub mod time;
pub mod types;

pub use error::{ApiError, Details, ErrorCode};
pub use permission::Permission;
pub use recipient::Recipient;
pub use time::Timestamp;
