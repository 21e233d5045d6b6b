//! What is noted of a request for whoever checks it, answers it or writes its line.

use std::net::IpAddr;

use wharf_api::ops::Operation;
use wharf_core::caller::By;

/// The key or log-in of a request, for the log line: it travels in the response's extensions.
#[derive(Clone)]
pub(super) struct CallerKey(pub By);

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    /// The other end of the connection.
    pub peer: IpAddr,
    /// Behind the proxies that are trusted.
    pub origin: IpAddr,
}

/// The operation that was called, for the log line.
#[derive(Clone, Copy)]
pub(super) struct Called(pub &'static Operation);
