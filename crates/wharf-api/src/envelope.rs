//! The two bodies that every answer has: success with data, or failure with a code.

use serde::{Deserialize, Serialize};

use crate::error::details::Details;

/// `{"success": true, "data": …}`; lists add `page`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Success<T> {
    pub success: bool,
    pub data: T,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub page: Option<PageInfo>,
}

impl<T> Success<T> {
    pub fn new(data: T) -> Self {
        Self { success: true, data, page: None }
    }
}

/// Where the next page begins; `null` at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageInfo {
    pub next: Option<String>,
}

/// `{"success": false, "error": …}`. It borrows: it is made for each refusal, and only to be written.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Failure<'a> {
    pub success: bool,
    pub error: FailureBody<'a>,
}

/// What went wrong, for a program (`code`, `details`) and for a person (`message`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FailureBody<'a> {
    pub code: &'static str,
    pub message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<&'a Details>,
}
