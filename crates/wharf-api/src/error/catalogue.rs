//! The error table: one row per code. Nothing else in the workspace spells a code or the status of a failure.
//!
//! The first 31 rows are the page that the customer was promised, to the letter; a test compares them with that page.
//! The rows of the group `Additive` give codes to the statuses 409 and 422, which the page lists without a code.

/// Where a code stands on the error page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Authentication,
    Session,
    Message,
    Webhook,
    RateLimiting,
    General,
    Additive,
}

/// Whether the same request can succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Not without a change to the request, the key or the plan.
    No,
    /// Soon, with growing pauses.
    Soon,
    /// After the seconds that `Retry-After` names.
    After,
    /// After midnight UTC; `details.resetAt` tells when that is.
    NextDay,
    /// As soon as the session is connected.
    OnceConnected,
}

impl Group {
    /// The group's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::Session => "session",
            Self::Message => "message",
            Self::Webhook => "webhook",
            Self::RateLimiting => "rate_limiting",
            Self::General => "general",
            Self::Additive => "additive",
        }
    }
}

impl Retry {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Soon => "soon",
            Self::After => "after",
            Self::NextDay => "next_day",
            Self::OnceConnected => "once_connected",
        }
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The code as it stands in `error.code`.
    pub name: &'static str,
    /// The HTTP status.
    pub status: u16,
    pub group: Group,
    pub retry: Retry,
    /// What happened.
    pub description: &'static str,
    /// What to do about it.
    pub fix: &'static str,
}

macro_rules! catalogue {
    ($($variant:ident = $name:literal, $status:literal, $group:ident, $retry:ident, $description:literal, $fix:literal;)+) => {
        /// Every code that an answer can carry.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ErrorCode { $($variant),+ }

        impl ErrorCode {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code's row.
            pub const fn row(self) -> &'static Row {
                match self {
                    $(Self::$variant => &Row {
                        name: $name, status: $status, group: Group::$group, retry: Retry::$retry, description: $description, fix: $fix,
                    },)+
                }
            }

            /// The code that is spelled `name`.
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

catalogue! {
    InvalidApiKey = "invalid_api_key", 401, Authentication, No,
        "The API key provided is invalid",
        "Check that you're using the correct API key and that it hasn't been revoked";
    MissingApiKey = "missing_api_key", 401, Authentication, No,
        "No API key was provided in the request",
        "Include your API key in the Authorization header";
    ExpiredApiKey = "expired_api_key", 401, Authentication, No,
        "The API key has expired",
        "Generate a new API key from your dashboard";
    InsufficientPermissions = "insufficient_permissions", 403, Authentication, No,
        "The API key doesn't have permission to perform this action",
        "Use an API key with the required permissions or contact support to upgrade your plan";
    SessionNotFound = "session_not_found", 404, Session, No,
        "The specified session ID doesn't exist",
        "Check that you're using the correct session ID";
    SessionNotConnected = "session_not_connected", 400, Session, OnceConnected,
        "The session exists but is not connected to WhatsApp",
        "Ensure the QR code has been scanned and the session is active";
    SessionLimitReached = "session_limit_reached", 403, Session, No,
        "You've reached the maximum number of sessions allowed for your plan",
        "Delete unused sessions or upgrade your plan";
    QrCodeExpired = "qr_code_expired", 400, Session, No,
        "The QR code for session initialization has expired",
        "Create a new session to get a fresh QR code";
    SessionDisconnected = "session_disconnected", 400, Session, No,
        "The WhatsApp session has been disconnected",
        "Reconnect by creating a new session and scanning the QR code";
    InvalidPhoneNumber = "invalid_phone_number", 400, Message, No,
        "The recipient phone number is invalid",
        "Ensure the phone number is in international format (e.g., 14155552671)";
    RecipientNotOnWhatsapp = "recipient_not_on_whatsapp", 400, Message, No,
        "The recipient doesn't have WhatsApp installed",
        "Verify that the recipient has an active WhatsApp account";
    MessageTooLong = "message_too_long", 400, Message, No,
        "The message exceeds the maximum allowed length",
        "Reduce the message length (max 4096 characters for text messages)";
    MediaSizeExceeded = "media_size_exceeded", 400, Message, No,
        "The media file exceeds the maximum allowed size",
        "Reduce the file size (limits: Images 5MB, Videos 16MB, Documents 100MB)";
    InvalidMediaType = "invalid_media_type", 400, Message, No,
        "The media type is not supported",
        "Use a supported media type (image, video, document, audio)";
    MediaUrlInaccessible = "media_url_inaccessible", 400, Message, Soon,
        "The media URL provided cannot be accessed",
        "Ensure the URL is publicly accessible and the file exists";
    MessageNotFound = "message_not_found", 404, Message, No,
        "The specified message ID doesn't exist",
        "Check that you're using the correct message ID";
    MessageSendingFailed = "message_sending_failed", 500, Message, Soon,
        "The message could not be sent due to a WhatsApp error",
        "Check the session status and try again later";
    DailyMessageLimitReached = "daily_message_limit_reached", 403, Message, NextDay,
        "You've reached the maximum number of messages allowed for your plan today",
        "Wait until the limit resets or upgrade your plan";
    InvalidWebhookUrl = "invalid_webhook_url", 400, Webhook, No,
        "The webhook URL provided is invalid",
        "Ensure the URL is properly formatted and uses HTTPS (for production)";
    WebhookUrlUnreachable = "webhook_url_unreachable", 400, Webhook, Soon,
        "The webhook URL cannot be reached",
        "Verify that your webhook server is running and accessible from the internet";
    WebhookResponseTimeout = "webhook_response_timeout", 400, Webhook, Soon,
        "The webhook URL took too long to respond",
        "Ensure your webhook server responds within 5 seconds";
    InvalidWebhookEvent = "invalid_webhook_event", 400, Webhook, No,
        "One or more of the specified webhook events are invalid",
        "Use only supported event types (message.received, message.status, etc.)";
    RateLimitExceeded = "rate_limit_exceeded", 429, RateLimiting, After,
        "You've exceeded the rate limit for this endpoint",
        "Wait for the rate limit to reset (see Retry-After header) or upgrade your plan";
    ConcurrentRequestLimitExceeded = "concurrent_request_limit_exceeded", 429, RateLimiting, Soon,
        "Too many concurrent requests are being made",
        "Reduce the number of simultaneous requests to the API";
    InvalidRequest = "invalid_request", 400, General, No,
        "The request is malformed or contains invalid parameters",
        "Check the request format and parameters against the API documentation";
    MissingRequiredParameter = "missing_required_parameter", 400, General, No,
        "A required parameter is missing from the request",
        "Check the API documentation for required parameters";
    InvalidParameterType = "invalid_parameter_type", 400, General, No,
        "A parameter has the wrong data type",
        "Check the API documentation for the correct parameter types";
    ResourceNotFound = "resource_not_found", 404, General, No,
        "The requested resource could not be found",
        "Verify that the resource ID or path is correct";
    MethodNotAllowed = "method_not_allowed", 405, General, No,
        "The HTTP method used is not supported for this endpoint",
        "Use the correct HTTP method (GET, POST, etc.) as specified in the documentation";
    InternalServerError = "internal_server_error", 500, General, Soon,
        "An unexpected error occurred on the server",
        "Contact support if the issue persists";
    ServiceUnavailable = "service_unavailable", 503, General, After,
        "The service is temporarily unavailable",
        "Try again later";
    Conflict = "conflict", 409, Additive, No,
        "The current state of the resource forbids this action",
        "Check the state of the resource and the reason in the details, then decide whether the action is still needed";
    IdempotencyKeyInUse = "idempotency_key_in_use", 409, Additive, After,
        "A request with the same Idempotency-Key is still running",
        "Wait for the first request to end, then send the same request again to get its answer";
    IdempotencyKeyReused = "idempotency_key_reused", 422, Additive, No,
        "The Idempotency-Key was used before with a different request",
        "Use a new Idempotency-Key for every new request, and the old one only to repeat a request unchanged";
    UnsupportedOperation = "unsupported_operation", 422, Additive, No,
        "The request is well formed, but WhatsApp does not allow this operation here",
        "Check the reason in the details; repeating the same request cannot succeed";
}

impl ErrorCode {
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    pub const fn status(self) -> u16 {
        self.row().status
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_code_has_a_name_of_its_own_in_small_letters_by_which_it_is_found() {
        let names: HashSet<&str> = ErrorCode::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), ErrorCode::ALL.len());
        for code in ErrorCode::ALL {
            let name = code.name();
            assert_eq!(ErrorCode::parse(name), Some(*code));
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
            assert_eq!(ErrorCode::parse(&name.to_uppercase()), None, "{name}");
        }
        assert_eq!(ErrorCode::parse(""), None);
    }

    #[test]
    fn a_status_never_contradicts_what_its_code_says_of_trying_again() {
        for code in ErrorCode::ALL {
            let Row { name, status, retry, .. } = *code.row();
            let fits: &[Retry] = match status {
                // The request itself, its key or the place that it asks for is wrong.
                401 | 404 | 405 | 422 => &[Retry::No],
                400 => &[Retry::No, Retry::Soon, Retry::OnceConnected],
                403 => &[Retry::No, Retry::NextDay],
                409 => &[Retry::No, Retry::After],
                429 => &[Retry::Soon, Retry::After],
                500 => &[Retry::Soon],
                503 => &[Retry::After],
                other => panic!("{name} has the status {other}, of which no client was told"),
            };
            assert!(fits.contains(&retry), "{name} {status} says {}", retry.as_str());
        }
    }

    #[test]
    fn whoever_is_to_wait_for_a_while_or_for_a_link_finds_the_one_code_that_says_so() {
        let told = |retry| ErrorCode::ALL.iter().copied().filter(|code| code.row().retry == retry).collect::<Vec<_>>();
        assert_eq!(told(Retry::NextDay), [ErrorCode::DailyMessageLimitReached]);
        assert_eq!(told(Retry::OnceConnected), [ErrorCode::SessionNotConnected]);
        assert_eq!(told(Retry::After), [ErrorCode::RateLimitExceeded, ErrorCode::ServiceUnavailable, ErrorCode::IdempotencyKeyInUse]);
    }

    #[test]
    fn every_row_says_what_happened_and_what_to_do() {
        for code in ErrorCode::ALL {
            let row = code.row();
            for text in [row.description, row.fix] {
                assert!(text.chars().next().is_some_and(char::is_uppercase) && !text.ends_with('.'), "{}: {text}", row.name);
            }
            assert_ne!(row.description, row.fix);
        }
    }
}
