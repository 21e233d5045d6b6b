-- One row per file. The file lies in the file store under `id`.
CREATE TABLE media (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    session_id TEXT,
    kind TEXT NOT NULL,
    mime_type TEXT NOT NULL,
    size BIGINT NOT NULL,
    sha256 TEXT,
    width BIGINT,
    height BIGINT,
    seconds BIGINT,
    file_name TEXT,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX media_by_expiry ON media (expires_at);

-- A received file that is still to be fetched. `source` is sealed: it holds the file's key.
CREATE TABLE media_fetches (
    media_id TEXT NOT NULL PRIMARY KEY,
    session_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    source BYTEA NOT NULL,
    attempts BIGINT NOT NULL,
    due_at BIGINT NOT NULL
);
CREATE INDEX media_fetches_due ON media_fetches (due_at);

-- How many days received and uploaded files stay.
ALTER TABLE plans ADD COLUMN media_days BIGINT NOT NULL DEFAULT 30;
