//! Events as they are written: always inside the transaction of what they announce.

use wharf_api::types::event::EventKind;

/// An event to be written. The store adds the id, the account, the session, the time and the session's next sequence number.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    pub kind: EventKind,
    /// The `data` member of the event.
    pub data: serde_json::Value,
}
