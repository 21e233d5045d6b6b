-- How fast the sessions of a plan write, as JSON; none is the safe pace.
ALTER TABLE plans ADD COLUMN pace TEXT;

-- Whom sessions wrote to first, and when: the pace of new contacts goes by it. Rows older than a day are of no use.
CREATE TABLE first_contacts (
    session_id TEXT NOT NULL,
    chat TEXT NOT NULL,
    begun_at INTEGER NOT NULL,
    PRIMARY KEY (session_id, chat)
) STRICT, WITHOUT ROWID;
