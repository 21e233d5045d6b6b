//! The `name` in a request.

use wharf_api::ApiError;

use super::envelope::invalid;
use crate::name::{self, Bad};

/// The name, if it is one of at most `max` characters.
pub(super) fn checked(name: &str, max: usize) -> Result<&str, ApiError> {
    name::checked(name, max).map_err(refused)
}

/// The name of a plan.
pub(super) fn plan(name: &str) -> Result<&str, ApiError> {
    name::plan(name).map_err(refused)
}

fn refused(bad: Bad) -> ApiError {
    let error = invalid(bad.to_string()).field("name");
    match bad {
        Bad::Long { max, chars } => error.limit(max as u64, chars as u64),
        Bad::Empty | Bad::Control | Bad::Plan { .. } => error,
    }
}
