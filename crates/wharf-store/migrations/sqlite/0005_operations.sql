-- Who changed what. Rows are added and dropped when they are old, and never changed. `code` is the code of a refusal
-- and empty for success; `account_id` is NULL for refused keys, which belong to nobody.
CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    account_id TEXT,
    actor TEXT NOT NULL,
    key_id TEXT,
    address TEXT,
    action TEXT NOT NULL,
    target TEXT,
    created TEXT,
    code TEXT NOT NULL,
    times INTEGER NOT NULL
) STRICT;
CREATE INDEX audit_by_account ON audit (account_id, number);
CREATE INDEX audit_by_time ON audit (at);

-- What WhatsApp asked us to leave alone for a while: a chat, `*` for everybody whom the session has not written with
-- yet, or the whole session where `chat` is empty. `times` counts the refusals in a row.
CREATE TABLE holds (
    session_id TEXT NOT NULL,
    chat TEXT NOT NULL,
    held_until INTEGER NOT NULL,
    reason TEXT NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (session_id, chat)
) STRICT, WITHOUT ROWID;
