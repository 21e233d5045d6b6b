//! What is noted of a request for whoever checks it, answers it or writes its line.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use http::Extensions;
use wharf_api::ops::Operation;
use wharf_core::caller::By;

use super::server::line::Line;

/// How a request came, and what it is called: it travels in the request's extensions.
#[derive(Clone)]
pub(super) struct Came {
    /// The other end of the connection.
    pub peer: IpAddr,
    pub line: Arc<Line>,
    pub id: Arc<str>,
}

/// The name of a request.
pub(super) fn request_id(extensions: &Extensions) -> Arc<str> {
    extensions.get::<Came>().map_or_else(|| Arc::from("req_unnamed"), |came| Arc::clone(&came.id))
}

/// The other end of a request's connection.
pub(super) fn peer(extensions: &Extensions) -> IpAddr {
    extensions.get::<Came>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |came| came.peer)
}

/// The key or log-in of a request, for the log line: it travels in the response's extensions.
#[derive(Clone)]
pub(super) struct CallerKey(pub By);

/// Whether the log line of each request is wanted, which alone tells of its key.
pub(super) fn key_is_told() -> bool {
    tracing::enabled!(target: "wharf::request", tracing::Level::DEBUG)
}

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
