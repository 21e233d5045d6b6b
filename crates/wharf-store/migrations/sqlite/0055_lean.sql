-- Events by numbers: their rows and their indexes were most of any database. The ids of accounts and sessions stand in the rows of those, and an
-- event's own id is made from its time and its number by whoever reads it.
ALTER TABLE accounts ADD COLUMN number INTEGER;
UPDATE accounts SET number = rowid;
CREATE UNIQUE INDEX accounts_by_number ON accounts (number);
-- Of an account that is gone nothing is left that has its number.
CREATE TRIGGER accounts_numbered AFTER INSERT ON accounts WHEN NEW.number IS NULL BEGIN
    UPDATE accounts SET number = (SELECT COALESCE(MAX(number), 0) + 1 FROM accounts) WHERE id = NEW.id;
END;

CREATE TABLE lean_events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Of events that were written before there was this table; missing in all others.
    id TEXT,
    account INTEGER NOT NULL,
    -- 0 for events of the account itself.
    session INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    -- After how many milliseconds it was written: what came late is told by its own time, and kept by that of its writing.
    late INTEGER NOT NULL DEFAULT 0,
    -- The event after it tells the same step under a kind of its own: whoever wants each step once leaves it out.
    repeated INTEGER NOT NULL DEFAULT 0,
    -- JSON as a text, packed as bytes, or an empty text where the event after it tells it.
    data ANY NOT NULL
) STRICT;
INSERT INTO lean_events (number, id, account, session, sequence, kind, at, repeated, data)
    SELECT e.number, e.id, COALESCE(a.number, 0), COALESCE(s.number, 0), e.sequence, e.kind, e.at, e.repeated, e.data
    FROM events e LEFT JOIN accounts a ON a.id = e.account_id LEFT JOIN sessions s ON s.id = e.session_id ORDER BY e.number;
-- No number comes twice, though its event is gone.
DELETE FROM sqlite_sequence WHERE name = 'lean_events';
INSERT INTO sqlite_sequence (name, seq) SELECT 'lean_events', seq FROM sqlite_sequence WHERE name = 'events';
-- A table goes by way of memory, page by page, unless it is empty.
DELETE FROM events;
DROP TABLE events;
ALTER TABLE lean_events RENAME TO events;
CREATE INDEX events_by_account ON events (account, number);
CREATE UNIQUE INDEX events_by_id ON events (id) WHERE id IS NOT NULL;
CREATE INDEX events_rare ON events (account, number)
    WHERE kind <> 'message.status' AND kind <> 'message.sent' AND kind <> 'message.delivered' AND kind <> 'message.read' AND kind <> 'message.received';

-- What the ids of events are masked with, so that nobody reads in them how many there are.
INSERT INTO meta (name, value) VALUES ('event_ids', LOWER(HEX(RANDOMBLOB(32))));
