//! Where sealed values stand: what each is bound to. Whoever seals, opens, or seals all anew under another key asks here.

/// What an engine keeps of a session.
pub const fn vault<'a>(session: &'a str, space: &'a str, key: &'a str) -> [&'a str; 3] {
    [session, space, key]
}

/// How a received file is fetched.
pub const fn source<'a>(session: &'a str, media: &'a str) -> [&'a str; 3] {
    [session, "media", media]
}

/// A session's own proxy, its password included.
pub const fn proxy(session: &str) -> [&str; 2] {
    [session, "proxy"]
}

/// What is frozen of an accepted message.
pub const fn payload<'a>(session: &'a str, wa_id: &'a str) -> [&'a str; 3] {
    [session, "outgoing", wa_id]
}

/// A webhook's secret, the one before it too.
pub const fn webhook_secret(webhook: &str) -> [&str; 3] {
    ["webhook", webhook, "secret"]
}

/// The headers that a customer wants with each delivery.
pub const fn webhook_headers(webhook: &str) -> [&str; 3] {
    ["webhook", webhook, "headers"]
}

/// The answer to a request with an `Idempotency-Key`.
pub const fn answer<'a>(account: &'a str, operation: &'a str, key: &'a str) -> [&'a str; 4] {
    ["idempotency", account, operation, key]
}

/// What tells whether a key is the one that sealed the rest.
pub const KEY_CHECK: [&str; 2] = ["meta", "master-key"];
