//! Every limit that a customer can run into, in one place: the checks and the catalogue both read them.

use std::time::Duration;

use crate::time::days;

/// A text message, in Unicode scalar values.
pub const TEXT_CHARS: usize = 4096;
/// The address, the title and the description of a link's preview, in Unicode scalar values.
pub const LINK_CHARS: usize = 2048;
pub const LINK_TITLE_CHARS: usize = 256;
pub const LINK_DESCRIPTION_CHARS: usize = 1024;
/// How long a preview may be looked for, how much of its page is read, and the most that its image may have, in bytes.
pub const PREVIEW: Duration = Duration::from_secs(5);
pub const PREVIEW_PAGE_BYTES: usize = 512 * 1024;
pub const PREVIEW_IMAGE_BYTES: u64 = 1024 * 1024;
/// How many people one message may mention: everybody of the largest group.
pub const MENTIONS: usize = 1024;
/// How many people one status may be for.
pub const STATUS_AUDIENCE: std::ops::RangeInclusive<usize> = 1..=1024;
/// A place's name and its address, in Unicode scalar values.
pub const PLACE_CHARS: usize = 1024;
/// How many cards one message may carry, and how many numbers a card.
pub const CONTACTS_PER_MESSAGE: usize = 50;
pub const PHONES_PER_CONTACT: usize = 10;
/// A number on a card that is none of WhatsApp's, in Unicode scalar values.
pub const CARD_NUMBER_CHARS: usize = 50;
/// The name on a card, in Unicode scalar values.
pub const CONTACT_NAME_CHARS: usize = 256;
/// A poll's question and each of its options, in Unicode scalar values, and how many options it has.
pub const POLL_QUESTION_CHARS: usize = 255;
pub const POLL_OPTION_CHARS: usize = 100;
pub const POLL_OPTIONS: std::ops::RangeInclusive<usize> = 2..=12;
/// One emoji, in bytes: families with skin tones are long.
pub const EMOJI_BYTES: usize = 64;
/// For how long a text may be edited and a message deleted for everyone. WhatsApp's limits.
pub const EDIT_WINDOW: Duration = Duration::from_mins(15);
pub const DELETE_WINDOW: Duration = Duration::from_hours(60);
/// A session's name, in Unicode scalar values.
pub const SESSION_NAME_CHARS: usize = 100;
/// An API key's name, in Unicode scalar values.
pub const KEY_NAME_CHARS: usize = 100;
/// A user's name, in lower-case letters, digits and `.`, `_`, `-`, `@`, `+`.
pub const USER_NAME_CHARS: usize = 64;
/// A password, in Unicode scalar values, and the most bytes that are hashed.
pub const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 12..=128;
/// How many log-ins a user has at the same time: the next one ends the oldest.
pub const LOGINS: usize = 50;
/// How long after its last request a log-in ends, and how long after its beginning in any case.
pub const LOGIN_IDLE: Duration = Duration::from_hours(12);
pub const LOGIN: Duration = days(30);
/// For how long a link signs in, once.
pub const LOGIN_TOKEN: Duration = Duration::from_mins(10);
/// How many failed log-ins one address may have in a minute, and one name in a quarter of an hour.
pub const LOGIN_FAILURES_OF_ADDRESS: u64 = 10;
pub const LOGIN_FAILURES_OF_NAME: u64 = 20;
/// An account's name, in Unicode scalar values.
pub const ACCOUNT_NAME_CHARS: usize = 100;
/// A plan's name, in lower-case letters, digits, `-` and `_`.
pub const PLAN_NAME_CHARS: usize = 50;
/// The largest number that a plan's limit may be.
pub const PLAN_LIMIT_MAX: u64 = 1_000_000_000;
/// How many days the event log goes back, unless the plan says otherwise, and the most that a plan may say.
pub const EVENT_DAYS: u64 = 30;
pub const EVENT_DAYS_MAX: u64 = 3650;
/// The most days that a plan may keep messages; it keeps them for ever unless it says otherwise.
pub const MESSAGE_DAYS_MAX: u64 = 3650;
/// How many days a file is kept, unless the plan says otherwise, and the most that a plan may say.
pub const MEDIA_DAYS: u64 = 30;
pub const MEDIA_DAYS_MAX: u64 = 3650;
/// The largest number of bytes that a plan's limit may be: a PiB.
pub const PLAN_BYTES_MAX: u64 = 1 << 50;
/// Keys of an account that are good: the next is not made by one of them, only by an operator. Rotation may double them for a while.
pub const KEYS_PER_ACCOUNT: u64 = 100;
/// How many sessions a key may be bound to.
pub const KEY_SESSIONS: usize = 1_000;
/// How long a rotated key goes on working, in seconds: unless said otherwise, and at the most.
pub const KEY_OVERLAP_SECS: u64 = 24 * 60 * 60;
pub const KEY_OVERLAP_MAX_SECS: u64 = 7 * 24 * 60 * 60;
/// How long a token for the events of a session is good, in seconds: unless said otherwise, and between what.
pub const EVENT_TOKEN_SECS: u64 = 10 * 60;
pub const EVENT_TOKEN_RANGE_SECS: std::ops::RangeInclusive<u64> = 60..=60 * 60;
/// A phone number in international format, in digits.
pub const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
/// The caller's own name for a message, in Unicode scalar values.
pub const REFERENCE_CHARS: usize = 255;
/// What a list of messages is searched for, in Unicode scalar values.
pub const SEARCH_CHARS: usize = 200;
/// An `Idempotency-Key` header, in bytes of visible ASCII.
pub const IDEMPOTENCY_KEY_BYTES: usize = 255;
/// How long a first answer is replayed.
pub const IDEMPOTENCY_TTL: Duration = Duration::from_hours(24);
/// How many phone numbers one contact check may name.
pub const CONTACTS_PER_CHECK: usize = 50;
/// A group's subject and description, in Unicode scalar values.
pub const GROUP_SUBJECT_CHARS: usize = 100;
pub const GROUP_DESCRIPTION_CHARS: usize = 2048;
/// How many people one call may put into a group, or take out.
pub const GROUP_PARTICIPANTS_PER_CALL: usize = 256;
/// How long typing is shown unless it is asked for again.
pub const TYPING: Duration = Duration::from_secs(15);
/// A group's picture, in bytes.
pub const GROUP_PICTURE_BYTES: usize = 512 * 1024;
/// How many days the audit log goes back.
pub const AUDIT_DAYS: u64 = 365;
/// How many rows a page has unless the caller asks otherwise, and the most it may ask for.
pub const PAGE_DEFAULT: u32 = 50;
pub const PAGE_MAX: u32 = 200;
/// How many bytes of a page's rows, as they are stored, may follow its first row: a page in memory waits for whoever reads it.
pub const PAGE_BYTES: usize = 1024 * 1024;
/// How many webhooks an account may have.
pub const WEBHOOKS_PER_ACCOUNT: u64 = 100;
/// How long one delivery may take, in seconds; the smallest unless said otherwise.
pub const WEBHOOK_TIMEOUT_SECS: std::ops::RangeInclusive<u64> = 5..=30;
/// How long a `webhook.test` may take, in seconds.
pub const WEBHOOK_TEST_SECS: u64 = 5;
/// How long a replaced secret signs too, in seconds: unless said otherwise, and at the most.
pub const WEBHOOK_OVERLAP_SECS: u64 = 24 * 60 * 60;
pub const WEBHOOK_OVERLAP_MAX_SECS: u64 = 7 * 24 * 60 * 60;
/// The largest body of a delivery that a webhook may ask for, in bytes; whole where it asks for none.
pub const WEBHOOK_MAX_BYTES: std::ops::RangeInclusive<u64> = 4_096..=4_194_304;
/// A webhook's description, in Unicode scalar values.
pub const WEBHOOK_DESCRIPTION_CHARS: usize = 200;
/// How many headers of its own a webhook may have, and how long they may be.
pub const WEBHOOK_HEADERS: usize = 20;
pub const WEBHOOK_HEADER_NAME_BYTES: usize = 100;
pub const WEBHOOK_HEADER_VALUE_BYTES: usize = 2000;
/// A JSON body, in bytes.
pub const JSON_BODY_BYTES: usize = 1024 * 1024;
/// How deep JSON may nest.
pub const JSON_DEPTH: usize = 64;
/// How many values a body of JSON may hold, of whatever kind: each takes far more memory than the byte or two that it has on the wire.
pub const JSON_VALUES: usize = 100_000;
/// How long a send waits for WhatsApp's acknowledgement unless its caller says otherwise, and the most that a caller may say, in seconds.
/// Clients give up after ten seconds, most of them, and ask again: what is not known by then is answered before. Nor does it
/// end with a rest of an overloaded network (one, two, four seconds), so that the answer says what holds the message.
pub const SEND_WAIT: Duration = Duration::from_millis(6_500);
pub const SEND_WAIT_MAX_SECS: u64 = 25;
/// How long `POST /v1/sessions` waits for the first QR code.
pub const QR_WAIT: Duration = Duration::from_secs(7);
/// The longest part of what a passkey signed, in characters.
pub const PASSKEY_FIELD_CHARS: usize = 8192;
/// The longest `?wait=` of a long poll, in seconds.
pub const LONG_POLL_MAX_SECS: u64 = 30;
/// How long an accepted message may wait for its final state.
pub const MESSAGE_TTL: Duration = Duration::from_hours(24);
/// How many times one message is put on the wire before it fails.
pub const SEND_ATTEMPTS: u32 = 5;

/// The words under an image, a video or a document, in Unicode scalar values.
pub const CAPTION_CHARS: usize = 1024;
/// The sizes of media, in bytes. One MB is 1024 × 1024 bytes.
pub const IMAGE_BYTES: u64 = 5 * 1024 * 1024;
pub const VIDEO_BYTES: u64 = 16 * 1024 * 1024;
pub const AUDIO_BYTES: u64 = 16 * 1024 * 1024;
pub const STICKER_BYTES: u64 = 1024 * 1024;
pub const DOCUMENT_BYTES: u64 = 100 * 1024 * 1024;
/// A file's name, in Unicode scalar values.
pub const FILE_NAME_CHARS: usize = 255;
/// The body of `POST /v1/messages/media`, in bytes: the largest document in Base64, and room for the rest.
pub const MEDIA_BODY_BYTES: usize = 140 * 1024 * 1024;
/// The side and the area of an image, in pixels. Larger ones are not looked into.
pub const IMAGE_SIDE_PIXELS: u64 = 12_000;
pub const IMAGE_PIXELS: u64 = 50_000_000;
/// How long a media URL may take, redirects included.
pub const MEDIA_FETCH: Duration = Duration::from_mins(1);
/// How many media URLs of one account are fetched at a time; the next one waits.
pub const MEDIA_FETCHES: usize = 4;
/// How long a request that carries or sends a file may take.
pub const MEDIA_REQUEST: Duration = Duration::from_mins(5);
/// How long a file that came with a message by URL or in Base64 stays if the message was not accepted.
pub const MEDIA_UNUSED: Duration = Duration::from_hours(1);
/// How long a received file may wait to be fetched from WhatsApp.
pub const MEDIA_PENDING: Duration = days(30);

/// The pace of sessions where a plan says nothing else. See docs/manners.md for what is behind the numbers.
pub const PACE_MESSAGES_PER_MINUTE: u64 = 20;
pub const PACE_NEW_CONTACTS_PER_HOUR: u64 = 20;
pub const PACE_NEW_CONTACTS_PER_DAY: u64 = 100;
/// For the pace a status counts as one message for each so many people whom it is for.
pub const PACE_STATUS_PEOPLE: usize = 50;
pub const PACE_STRANGER_JITTER_SECONDS: [u64; 2] = [1, 4];
/// The longest pause and the longest typing that a plan may ask for, in seconds.
pub const PACE_SECONDS_MAX: u64 = 60;
