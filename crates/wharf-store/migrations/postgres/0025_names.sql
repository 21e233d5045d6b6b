-- What groups are called outlives the connection, and their membership.
CREATE TABLE chat_names (
    session_id TEXT NOT NULL,
    chat TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (session_id, chat)
);
