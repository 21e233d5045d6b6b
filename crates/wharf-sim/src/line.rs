//! Answers in JSON as a terminal likes them.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// JSON on a line of its own: behind an answer that ends without one, a shell's prompt stands in the answer's line.
#[derive(Debug)]
pub struct JsonLine(pub Value);

impl IntoResponse for JsonLine {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, "application/json")], format!("{}\n", self.0)).into_response()
    }
}
