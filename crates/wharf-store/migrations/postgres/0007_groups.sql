-- How far a message to a group has come with each member that told.
CREATE TABLE message_receipts (
    message BIGINT NOT NULL,
    person TEXT NOT NULL,
    phone TEXT,
    lid TEXT,
    delivered_at BIGINT,
    read_at BIGINT,
    played_at BIGINT,
    PRIMARY KEY (message, person)
);

-- Up to which message (its number) a chat was read.
CREATE TABLE chat_reads (
    session_id TEXT NOT NULL,
    chat_key TEXT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (session_id, chat_key)
);
