//! The event log over HTTP.

mod create_event_token;
mod list_events;
mod socket;
mod stream;
mod tail;

use wharf_core::store::EventRow;

use super::page;

pub(super) use create_event_token::create_event_token;
pub(super) use list_events::list_events;
pub(super) use socket::offered;

/// How long a reader waits who comes before the log shows the event, in seconds.
const WAIT: u64 = 5;

/// Where one event is read whole: it is the first of the list.
pub(crate) fn path_of_event(row: &EventRow) -> String {
    let before = page::next(Some(row.number - 1)).unwrap_or_default();
    format!("/v1/events?cursor={before}&limit=1&wait={WAIT}")
}
