//! The envelope of every answer.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::account::Account;
use crate::address::Number;
use crate::group::Refusal;
use crate::line::JsonLine;
use crate::network::Net;
use crate::pairing;
use crate::router::SendError;

pub(crate) type Answer = Result<JsonLine, Failure>;

#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Failure {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: "invalid_request", message: message.into() }
    }

    pub(crate) fn missing(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, code, message: message.into() }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = json!({"success": false, "error": {"code": self.code, "message": self.message}});
        (self.status, JsonLine(body)).into_response()
    }
}

impl From<pairing::Error> for Failure {
    fn from(error: pairing::Error) -> Self {
        use pairing::Error as E;
        let (status, code) = match &error {
            E::MalformedQr => (StatusCode::BAD_REQUEST, "malformed_qr"),
            E::UnknownQr => (StatusCode::NOT_FOUND, "unknown_qr"),
            E::NoCodeWanted => (StatusCode::NOT_FOUND, "no_code_wanted"),
            E::WrongCode => (StatusCode::CONFLICT, "wrong_code"),
            E::Refused(_) => (StatusCode::CONFLICT, "device_refused"),
            E::NoAnswer => (StatusCode::GATEWAY_TIMEOUT, "no_answer"),
        };
        Self { status, code, message: error.to_string() }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal {
            Refusal::Unknown | Refusal::Gone => StatusCode::NOT_FOUND,
            _ => StatusCode::CONFLICT,
        };
        Self { status, code: refusal.text(), message: refusal.to_string() }
    }
}

impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        match &error {
            SendError::NotRegistered(_) => Self::missing("not_on_whatsapp", error.to_string()),
            SendError::Group(refusal) => (*refusal).into(),
            SendError::Signal(_) => Self { status: StatusCode::INTERNAL_SERVER_ERROR, code: "not_encrypted", message: error.to_string() },
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every handler ends in it")]
pub(crate) fn ok(data: impl Serialize) -> Answer {
    Ok(JsonLine(json!({"success": true, "data": data})))
}

pub(crate) async fn no_route() -> Failure {
    Failure::missing("no_such_route", "there is nothing at this address")
}

pub(crate) fn number(text: &str) -> Result<Number, Failure> {
    Number::parse(text).ok_or_else(|| Failure::invalid(format!("{text} is not a phone number")))
}

pub(crate) fn numbers(texts: &[String]) -> Result<Vec<Number>, Failure> {
    texts.iter().map(|text| number(text)).collect()
}

pub(crate) fn account(net: &Net, text: &str) -> Result<Arc<Account>, Failure> {
    let number = number(text)?;
    net.account(number).ok_or_else(|| Failure::missing("no_such_phone", format!("{number} is not on WhatsApp")))
}

/// An empty body is an empty object.
pub(crate) fn body<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    serde_json::from_str(text).map_err(|error| Failure::invalid(error.to_string()))
}
