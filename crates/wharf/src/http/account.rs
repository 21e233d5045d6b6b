//! The caller's own account over HTTP, one operation a file.

mod export;
mod get_account;
mod get_account_export;
mod get_usage;
mod list_audit;

pub(super) use export::streamed;
pub(super) use get_account::get_account;
pub(super) use get_account_export::get_account_export;
pub(super) use get_usage::get_usage;
pub(super) use list_audit::{filter as audit_filter, list_audit};
