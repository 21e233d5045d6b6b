-- What an operator has paused or switched off, for all nodes. A name that has no row stands as it stands by default.
CREATE TABLE whatsapp_switches (
    name TEXT NOT NULL PRIMARY KEY,
    position TEXT NOT NULL,
    since INTEGER,
    degraded_since INTEGER
) STRICT, WITHOUT ROWID;

-- How each step of the canary sessions went last.
CREATE TABLE canary_steps (
    step TEXT NOT NULL,
    session_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    took_ms INTEGER,
    failure TEXT,
    PRIMARY KEY (step, session_id)
) STRICT, WITHOUT ROWID;

-- The newest update notice that was verified, and when somebody last asked for one.
CREATE TABLE update_notice (
    id INTEGER NOT NULL PRIMARY KEY,
    tried_at INTEGER NOT NULL,
    fetched_at INTEGER,
    serial INTEGER,
    body TEXT
) STRICT, WITHOUT ROWID;
