//! The event log over HTTP.

mod list_events;
mod stream;

pub(super) use list_events::list_events;
