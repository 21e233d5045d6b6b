//! What anybody may ask, one operation a file.

mod get_docs;
mod get_health;
mod get_metrics;
mod get_openapi;
mod get_readiness;
mod list_errors;

pub(super) use get_docs::get_docs;
pub(super) use get_health::get_health;
pub(super) use get_metrics::get_metrics;
pub(super) use get_openapi::get_openapi;
pub(super) use get_readiness::get_readiness;
pub(super) use list_errors::list_errors;
