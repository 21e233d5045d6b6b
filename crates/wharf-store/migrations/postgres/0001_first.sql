-- Times are milliseconds since the Unix epoch, booleans 0 or 1, structured values JSON in TEXT.
-- `number` orders a list and is its cursor: it grows and is never used twice.
-- There are no foreign keys on the tables that every message touches: their rows are written in one transaction
-- with the session's counter, which proves that the session exists.

CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE plans (
    name TEXT NOT NULL PRIMARY KEY,
    messages_per_day BIGINT,
    calls_per_minute BIGINT NOT NULL,
    sessions BIGINT,
    concurrent_requests BIGINT NOT NULL
);

INSERT INTO plans (name, messages_per_day, calls_per_minute, sessions, concurrent_requests) VALUES
    ('free', 100, 100, 1, 10),
    ('basic', 10000, 1000, 5, 50),
    ('pro', 100000, 10000, 25, 200),
    ('enterprise', NULL, 20000, NULL, 500);

CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    plan TEXT NOT NULL REFERENCES plans (name),
    created_at BIGINT NOT NULL
);
CREATE INDEX accounts_by_name ON accounts (name);

CREATE TABLE api_keys (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    secret_hash BYTEA NOT NULL,
    permissions TEXT NOT NULL,
    sessions TEXT,
    operator BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX api_keys_by_account ON api_keys (account_id, number);

-- A deleted session keeps its row: the events of its last messages still need its counter.
CREATE TABLE sessions (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    jid TEXT,
    lid TEXT,
    push_name TEXT,
    created_at BIGINT NOT NULL,
    status_at BIGINT NOT NULL,
    event_sequence BIGINT NOT NULL,
    deleted BIGINT NOT NULL
);
CREATE INDEX sessions_by_account ON sessions (account_id, number) WHERE deleted = 0;

-- Rows are never deleted, so that an epoch never falls. `node` is NULL while nobody owns the session.
CREATE TABLE session_owner (
    session_id TEXT NOT NULL PRIMARY KEY,
    node TEXT,
    epoch BIGINT NOT NULL
);

-- Apart from session_owner: a heartbeat never waits for a write that holds an owner's row.
CREATE TABLE node_lease (
    node TEXT NOT NULL PRIMARY KEY,
    renewed_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- The collation lists keys in the order of their bytes, as SQLite does.
CREATE TABLE vault (
    session_id TEXT NOT NULL,
    space TEXT NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    value BYTEA NOT NULL,
    PRIMARY KEY (session_id, space, key)
);

-- `chat_key` is the chat's phone number where it is known, otherwise the chat's id: one spelling for one chat.
CREATE TABLE messages (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
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
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE INDEX messages_by_account ON messages (account_id, number);
CREATE INDEX messages_by_session ON messages (session_id, number);
CREATE INDEX messages_by_chat ON messages (account_id, chat_key, number);
CREATE UNIQUE INDEX messages_outgoing ON messages (session_id, wa_id) WHERE direction = 'outgoing';
CREATE UNIQUE INDEX messages_incoming ON messages (session_id, chat, (COALESCE(sender, '')), wa_id) WHERE direction = 'incoming';
CREATE INDEX messages_queued ON messages (session_id, number, expires_at) WHERE status = 'queued';

-- What only the engine needs of an outgoing message, apart so that lists stay small. Kept after the message was sent:
-- a recipient that could not decrypt it asks for it again.
CREATE TABLE outgoing (
    message BIGINT NOT NULL PRIMARY KEY,
    payload BYTEA NOT NULL,
    attempts BIGINT NOT NULL
);

-- Every status after the first. The first is the row itself: its direction tells which, `created_at` when.
CREATE TABLE message_steps (
    message BIGINT NOT NULL,
    status TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (message, status)
);

CREATE TABLE events (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    kind TEXT NOT NULL,
    at BIGINT NOT NULL,
    data TEXT NOT NULL
);
CREATE INDEX events_by_account ON events (account_id, number);

CREATE TABLE idempotency (
    account_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    key TEXT NOT NULL,
    request_hash BYTEA NOT NULL,
    resource_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    answer_status BIGINT,
    answer_body BYTEA,
    PRIMARY KEY (account_id, operation, key)
);
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

CREATE TABLE usage (
    account_id TEXT NOT NULL,
    utc_day BIGINT NOT NULL,
    messages BIGINT NOT NULL,
    PRIMARY KEY (account_id, utc_day)
);
