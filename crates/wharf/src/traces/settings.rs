//! What an operator says of traces.

use std::time::Duration;

use http::HeaderMap;
use url::Url;

/// Where spans go, and which.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The whole address that takes traces.
    pub endpoint: Url,
    /// What stands beside each request to the collector; marked as secrets.
    pub headers: HeaderMap,
    /// Who says it: `service.name`.
    pub service_name: String,
    /// Which part of the traces is recorded, above 0 and up to 1.
    pub sample_ratio: f64,
    /// How long the collector may take for one request.
    pub timeout: Duration,
}
