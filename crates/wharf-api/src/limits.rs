//! Every limit that a customer can run into, in one place: the checks and the catalogue both read them.

/// A text message, in Unicode scalar values.
pub const TEXT_CHARS: usize = 4096;
/// A session's name, in Unicode scalar values.
pub const SESSION_NAME_CHARS: usize = 100;
/// An API key's name, in Unicode scalar values.
pub const KEY_NAME_CHARS: usize = 100;
/// An account's name, in Unicode scalar values.
pub const ACCOUNT_NAME_CHARS: usize = 100;
/// A plan's name, in lower-case letters, digits, `-` and `_`.
pub const PLAN_NAME_CHARS: usize = 50;
/// The largest number that a plan's limit may be.
pub const PLAN_LIMIT_MAX: u64 = 1_000_000_000;
/// How many days the event log goes back, unless the plan says otherwise, and the most that a plan may say.
pub const EVENT_DAYS: u64 = 30;
pub const EVENT_DAYS_MAX: u64 = 3650;
/// How long a rotated key goes on working, in seconds: unless said otherwise, and at the most.
pub const KEY_OVERLAP_SECS: u64 = 24 * 60 * 60;
pub const KEY_OVERLAP_MAX_SECS: u64 = 7 * 24 * 60 * 60;
/// A phone number in international format, in digits.
pub const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
/// An `Idempotency-Key` header, in bytes of visible ASCII.
pub const IDEMPOTENCY_KEY_BYTES: usize = 255;
/// How long a first answer is replayed, in milliseconds.
pub const IDEMPOTENCY_TTL_MS: i64 = 24 * 60 * 60 * 1000;
/// How many phone numbers one contact check may name.
pub const CONTACTS_PER_CHECK: usize = 50;
/// How many rows a page has unless the caller asks otherwise, and the most it may ask for.
pub const PAGE_DEFAULT: u32 = 50;
pub const PAGE_MAX: u32 = 200;
/// A JSON body, in bytes.
pub const JSON_BODY_BYTES: usize = 1024 * 1024;
/// How deep JSON may nest.
pub const JSON_DEPTH: usize = 64;
/// How long `POST /v1/messages/text` waits for WhatsApp's acknowledgement, in milliseconds.
pub const SEND_WAIT_MS: u64 = 10_000;
/// How long `POST /v1/sessions` waits for the first QR code, in milliseconds.
pub const QR_WAIT_MS: u64 = 10_000;
/// The longest `?wait=` of a long poll, in seconds.
pub const LONG_POLL_MAX_SECS: u64 = 30;
/// How long an accepted message may wait for its final state, in milliseconds.
pub const MESSAGE_TTL_MS: i64 = 24 * 60 * 60 * 1000;
/// How many times one message is put on the wire before it fails.
pub const SEND_ATTEMPTS: u32 = 5;
