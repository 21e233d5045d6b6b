-- How far a message to a group has come with each member that told.
CREATE TABLE message_receipts (
    message INTEGER NOT NULL,
    person TEXT NOT NULL,
    phone TEXT,
    lid TEXT,
    delivered_at INTEGER,
    read_at INTEGER,
    played_at INTEGER,
    PRIMARY KEY (message, person)
) STRICT, WITHOUT ROWID;

-- Up to which message (its number) a chat was read.
CREATE TABLE chat_reads (
    session_id TEXT NOT NULL,
    chat_key TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (session_id, chat_key)
) STRICT, WITHOUT ROWID;
