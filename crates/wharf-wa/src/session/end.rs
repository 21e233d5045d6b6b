//! Why a client ends.

use wharf_api::types::session::DisconnectReason;

/// Why a client ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The session was asked to end.
    Stopped { record: bool },
    /// The device is no longer linked.
    LoggedOut,
    /// The link is there and must not be used.
    Lost(DisconnectReason),
    /// No phone scanned the code in time.
    QrExpired,
    /// Another process has the session.
    Fenced,
    /// The client must be built anew.
    Broken,
    /// Connections are paused, or were and the session is to be taken anew.
    Paused,
    /// WhatsApp lets no client in like this one: the next is built when it may.
    Barred,
    /// The node's lease is over: the next is built when it is good, and nobody has taken the session.
    Lapsed,
}
