//! What anybody may ask, one operation a file.

mod get_docs;
mod get_metrics;
mod get_openapi;
mod healthz;
mod list_errors;
mod readyz;

pub(super) use get_docs::get_docs;
pub(super) use get_metrics::get_metrics;
pub(super) use get_openapi::get_openapi;
pub(super) use healthz::healthz;
pub(super) use list_errors::list_errors;
pub(super) use readyz::readyz;
