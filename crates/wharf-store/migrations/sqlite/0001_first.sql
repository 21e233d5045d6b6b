-- Times are milliseconds since the Unix epoch, booleans 0 or 1, structured values JSON in TEXT.
-- `number` orders a list and is its cursor: it grows and is never used twice, hence AUTOINCREMENT.
-- There are no foreign keys on the tables that every message touches: their rows are written in one transaction
-- with the session's counter, which proves that the session exists.

CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE plans (
    name TEXT NOT NULL PRIMARY KEY,
    messages_per_day INTEGER,
    calls_per_minute INTEGER NOT NULL,
    sessions INTEGER,
    concurrent_requests INTEGER NOT NULL
) STRICT;

INSERT INTO plans (name, messages_per_day, calls_per_minute, sessions, concurrent_requests) VALUES
    ('free', 100, 100, 1, 10),
    ('basic', 10000, 1000, 5, 50),
    ('pro', 100000, 10000, 25, 200),
    ('enterprise', NULL, 20000, NULL, 500);

CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    plan TEXT NOT NULL REFERENCES plans (name),
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX accounts_by_name ON accounts (name);

CREATE TABLE api_keys (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    secret_hash BLOB NOT NULL,
    permissions TEXT NOT NULL,
    sessions TEXT,
    operator INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE INDEX api_keys_by_account ON api_keys (account_id, number);

-- A deleted session keeps its row: the events of its last messages still need its counter.
CREATE TABLE sessions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    jid TEXT,
    lid TEXT,
    push_name TEXT,
    created_at INTEGER NOT NULL,
    status_at INTEGER NOT NULL,
    event_sequence INTEGER NOT NULL,
    deleted INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_account ON sessions (account_id, number) WHERE deleted = 0;

-- Rows are never deleted, so that an epoch never falls. `node` is NULL while nobody owns the session.
CREATE TABLE session_owner (
    session_id TEXT NOT NULL PRIMARY KEY,
    node TEXT,
    epoch INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Apart from session_owner: a heartbeat never waits for a write that holds an owner's row.
CREATE TABLE node_lease (
    node TEXT NOT NULL PRIMARY KEY,
    renewed_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE vault (
    session_id TEXT NOT NULL,
    space TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (session_id, space, key)
) STRICT, WITHOUT ROWID;

-- `chat_key` is the chat's phone number where it is known, otherwise the chat's id: one spelling for one chat.
CREATE TABLE messages (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    wa_id TEXT NOT NULL,
    direction TEXT NOT NULL,
    status TEXT NOT NULL,
    chat TEXT NOT NULL,
    chat_key TEXT NOT NULL,
    chat_phone TEXT,
    chat_lid TEXT,
    sender TEXT,
    sender_phone TEXT,
    sender_lid TEXT,
    sender_name TEXT,
    content TEXT NOT NULL,
    error_code TEXT,
    error_reason TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;
CREATE INDEX messages_by_account ON messages (account_id, number);
CREATE INDEX messages_by_session ON messages (session_id, number);
CREATE INDEX messages_by_chat ON messages (account_id, chat_key, number);
CREATE UNIQUE INDEX messages_outgoing ON messages (session_id, wa_id) WHERE direction = 'outgoing';
CREATE UNIQUE INDEX messages_incoming ON messages (session_id, chat, (COALESCE(sender, '')), wa_id) WHERE direction = 'incoming';
CREATE INDEX messages_queued ON messages (session_id, number, expires_at) WHERE status = 'queued';

-- What only the engine needs of an outgoing message, apart so that lists stay small. Kept after the message was sent:
-- a recipient that could not decrypt it asks for it again.
CREATE TABLE outgoing (
    message INTEGER NOT NULL PRIMARY KEY,
    payload BLOB NOT NULL,
    attempts INTEGER NOT NULL
) STRICT;

-- Every status after the first. The first is the row itself: its direction tells which, `created_at` when.
CREATE TABLE message_steps (
    message INTEGER NOT NULL,
    status TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (message, status)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    data TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_account ON events (account_id, number);

CREATE TABLE idempotency (
    account_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    key TEXT NOT NULL,
    request_hash BLOB NOT NULL,
    resource_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    answer_status INTEGER,
    answer_body BLOB,
    PRIMARY KEY (account_id, operation, key)
) STRICT;
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

CREATE TABLE usage (
    account_id TEXT NOT NULL,
    utc_day INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    PRIMARY KEY (account_id, utc_day)
) STRICT, WITHOUT ROWID;
