//! What a gateway refused, for a person in the words of its catalogue and for a program as it came.

use std::fmt::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use url::Url;
use wharf_api::ErrorCode;
use wharf_api::error::Retry;
use wharf_core::Backoff;

use crate::cli::plain::plain;
use crate::cli::unmet::NoAnswer;

/// A gateway that names a longer pause is not waited for.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// The pauses between tries, where the gateway names none.
const PAUSES: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(16));

/// The code of an answer that is not Wharf's.
const FOREIGN: &str = "unexpected_answer";

/// An answer that is no success.
#[derive(Debug)]
pub(in crate::cli) struct Refused {
    pub(in crate::cli) status: u16,
    /// The body as it came, or one of ours where it came from something else than a gateway.
    pub(super) body: Value,
    pub(super) request_id: Option<String>,
    /// The entry of the code in the gateway's own reference.
    pub(super) help: Option<Url>,
    pub(super) retry_after: Option<u64>,
    /// Whether it is told as JSON.
    pub(super) json: bool,
}

impl Refused {
    /// An answer that is not Wharf's, such as a proxy's page.
    pub(super) fn foreign(status: u16) -> Self {
        let message = format!("the address answers {status} and is no Wharf gateway");
        Self { status, body: ours(FOREIGN, &message), request_id: None, help: None, retry_after: None, json: false }
    }

    pub(in crate::cli) fn is(&self, code: ErrorCode) -> bool {
        self.code() == code.name()
    }

    /// Whether it is an answer of something else than a gateway.
    pub(in crate::cli) fn is_foreign(&self) -> bool {
        self.code() == FOREIGN
    }

    /// The answer as it came.
    pub(in crate::cli) fn body(&self) -> &Value {
        &self.body
    }

    pub(in crate::cli) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    /// Whether the same line may succeed in a while, without anybody's doing.
    pub(in crate::cli) fn later(&self) -> bool {
        match ErrorCode::parse(self.code()) {
            Some(code) => matches!(code.row().retry, Retry::Soon | Retry::After),
            None => self.passing(),
        }
    }

    /// Whether the gateway, or a proxy in front of it, was busy or away.
    fn passing(&self) -> bool {
        matches!(self.status, 429 | 502 | 503 | 504) || self.is(ErrorCode::IdempotencyKeyInUse)
    }

    /// How long to wait before the next try; `None` where there is none. `chance` lies between 0 and 1.
    pub(super) fn pause(&self, tried: u32, chance: f64) -> Option<Duration> {
        if !self.passing() {
            return None;
        }
        let grown = pause(tried, chance);
        let told = self.retry_after.map(Duration::from_secs);
        told.map_or(Some(grown), |told| (told <= LONGEST_PAUSE).then(|| told + grown.min(Duration::from_secs(1))))
    }

    pub(in crate::cli) fn tell(&self) {
        if self.json {
            eprintln!("{}", self.body);
        } else {
            anstream::eprint!("{}", self.words());
        }
    }

    fn words(&self) -> String {
        let (red, dim) = (AnsiColor::Red.on_default().bold(), Style::new().dimmed());
        let error = &self.body["error"];
        let mut lines = format!("wharf: {red}{}{red:#} ({})\n", plain(error["message"].as_str().unwrap_or("refused")), plain(self.code()));
        let mut line = |name: &str, value: String| {
            if !value.is_empty() {
                let _ = writeln!(lines, "  {dim}{name:<12}{dim:#} {value}");
            }
        };
        for (name, value) in error["details"].as_object().into_iter().flatten() {
            line(name, plain(&value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
        }
        let fix = ErrorCode::parse(self.code()).map(|code| code.row().fix).unwrap_or_default();
        line("what to do", fix.to_owned());
        line("request", self.request_id.as_deref().map(plain).unwrap_or_default());
        line("help", self.help.as_ref().map(ToString::to_string).unwrap_or_default());
        lines
    }
}

/// Twice as long after each try, and drawn between its half and its whole, so that many do not come back in the same moment.
pub(super) fn pause(tried: u32, chance: f64) -> Duration {
    PAUSES.pause(tried.saturating_sub(1)).mul_f64(f64::midpoint(1.0, chance))
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let error = &self.body["error"];
        write!(f, "{} ({})", plain(error["message"].as_str().unwrap_or("refused")), plain(self.code()))?;
        error["details"]["reason"].as_str().map_or(Ok(()), |reason| write!(f, ": {}", plain(reason)))
    }
}

impl std::error::Error for Refused {}

/// The error for whoever reads: a person, or with `json` a program.
pub(in crate::cli) fn in_form(error: anyhow::Error, json: bool) -> anyhow::Error {
    let away = error.downcast_ref::<NoAnswer>().is_some();
    match error.downcast::<Refused>() {
        Ok(refused) => Refused { json, ..refused }.into(),
        Err(error) if json && away => {
            let body = ours("network_error", &format!("{error:#}"));
            Refused { status: 503, body, request_id: None, help: None, retry_after: None, json }.into()
        }
        Err(error) => error,
    }
}

/// A failure that no gateway told, in the same shape.
fn ours(code: &str, message: &str) -> Value {
    json!({ "success": false, "error": { "code": code, "message": message } })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: &str) -> Refused {
        let body = json!({"success": false, "error": {"code": code, "message": "What\u{1b}[2J", "details": {"field": "to", "limit": 7}}});
        let help = Url::parse("http://127.0.0.1:1/docs#error-x").ok();
        Refused { status, body, request_id: Some("req_1".to_owned()), help, retry_after: None, json: false }
    }

    fn of(code: ErrorCode) -> Refused {
        refused(code.status(), code.name())
    }

    #[test]
    fn a_refusal_is_told_with_its_code_its_details_its_request_and_where_to_read_on() {
        let words = anstream::adapter::strip_str(&of(ErrorCode::InvalidPhoneNumber).words()).to_string();
        for part in [ErrorCode::InvalidPhoneNumber.name(), "field", "to", "limit", "7", "international format", "req_1", "#error-x"] {
            assert!(words.contains(part), "{part}: {words}");
        }
        assert!(!words.contains('\u{1b}'), "what a gateway says cannot steer the terminal");
    }

    #[test]
    fn what_is_busy_is_asked_again_within_a_bound_and_what_is_wrong_is_not() {
        let half = Duration::from_millis(250);
        assert_eq!(of(ErrorCode::ServiceUnavailable).pause(1, 0.0), Some(half));
        assert_eq!(of(ErrorCode::RateLimitExceeded).pause(2, 0.0), Some(2 * half));
        assert_eq!(of(ErrorCode::IdempotencyKeyInUse).pause(1, 0.0), Some(half));
        assert_eq!(of(ErrorCode::InvalidRequest).pause(1, 0.0), None);
        let told = |seconds| Refused { retry_after: Some(seconds), ..of(ErrorCode::ServiceUnavailable) };
        assert_eq!(told(3).pause(1, 0.0), Some(Duration::from_secs(3) + half));
        assert_eq!(told(61).pause(1, 0.0), None);
    }

    #[test]
    fn what_may_succeed_later_is_what_the_catalogue_says() {
        for (code, later) in [
            (ErrorCode::ServiceUnavailable, true),
            (ErrorCode::MessageSendingFailed, true),
            (ErrorCode::SessionNotConnected, false),
            (ErrorCode::DailyMessageLimitReached, false),
            (ErrorCode::SessionNotFound, false),
        ] {
            assert_eq!(of(code).later(), later, "{}", code.name());
        }
        // One that this release does not know goes by its status.
        for (status, later) in [(429, true), (400, false)] {
            assert_eq!(refused(status, "a_code_of_tomorrow").later(), later, "{status}");
        }
        assert!(Refused::foreign(502).later() && !Refused::foreign(404).later());
    }
}
