//! The answers for what the contract does not declare.

use axum::extract::Request;
use http::HeaderValue;
use http::header::ALLOW;
use wharf_api::ErrorCode;

use super::envelope::{self, Failure};
use super::{meant, noted};

/// A path that is known, by a method that it does not know.
pub(super) fn wrong_method(allow: &str, request_id: &str) -> axum::response::Response {
    let mut failure = Failure::from(ErrorCode::MethodNotAllowed);
    let allow = HeaderValue::from_str(allow).expect("names of methods are visible ASCII");
    failure.headers.push((ALLOW, allow));
    envelope::respond(request_id, Err(failure))
}

/// A path that nothing is at.
pub(super) async fn unknown_path(request: Request) -> axum::response::Response {
    envelope::respond(&noted::request_id(request.extensions()), Err(meant::refusal(request.uri().path()).into()))
}
