-- Notices whose event was written: a repeat writes none.
CREATE TABLE notices (
    session_id TEXT NOT NULL,
    name TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (session_id, name)
) STRICT, WITHOUT ROWID;
