-- One row per file. The file lies in the file store under `id`.
CREATE TABLE media (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    session_id TEXT,
    kind TEXT NOT NULL,
    mime_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    sha256 TEXT,
    width INTEGER,
    height INTEGER,
    seconds INTEGER,
    file_name TEXT,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX media_by_expiry ON media (expires_at);

-- A received file that is still to be fetched. `source` is sealed: it holds the file's key.
CREATE TABLE media_fetches (
    media_id TEXT NOT NULL PRIMARY KEY,
    session_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    source BLOB NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL
) STRICT;
CREATE INDEX media_fetches_due ON media_fetches (due_at);

-- How many days received and uploaded files stay.
ALTER TABLE plans ADD COLUMN media_days INTEGER NOT NULL DEFAULT 30;
