//! What is wrong with the shape of a request, beyond what its types say.

use std::ops::RangeInclusive;

use wharf_api::{ApiError, ErrorCode};

#[derive(Debug, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct Shape {
    field: String,
    reason: String,
    /// The limit that was met, and what was sent instead.
    limit: Option<(u64, u64)>,
}

impl Shape {
    pub(super) fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into(), limit: None }
    }

    pub(super) fn limit(mut self, limit: usize, actual: usize) -> Self {
        self.limit = Some((limit as u64, actual as u64));
        self
    }
}

impl From<&Shape> for ApiError {
    fn from(shape: &Shape) -> Self {
        let error = Self::new(ErrorCode::InvalidRequest).field(shape.field.clone()).reason(shape.reason.clone());
        match shape.limit {
            Some((limit, actual)) => error.limit(limit, actual),
            None => error,
        }
    }
}

/// Refuses a text that has fewer or more characters.
pub(super) fn within(field: &str, text: &str, min: usize, max: usize) -> Result<(), Shape> {
    let chars = text.chars().count();
    if chars < min {
        return Err(Shape::new(field, "the text is empty"));
    }
    if chars > max {
        return Err(Shape::new(field, format!("at most {max} characters are allowed")).limit(max, chars));
    }
    Ok(())
}

/// Refuses a list that has fewer or more members.
pub(super) fn count(field: &str, members: usize, allowed: RangeInclusive<usize>) -> Result<(), Shape> {
    let (min, max) = allowed.into_inner();
    if (min..=max).contains(&members) {
        return Ok(());
    }
    Err(Shape::new(field, format!("{min} to {max} members are expected")).limit(max, members))
}
