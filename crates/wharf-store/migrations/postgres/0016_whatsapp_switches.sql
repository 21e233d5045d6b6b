-- What an operator has paused or switched off, for all nodes. A name that has no row stands as it stands by default.
CREATE TABLE whatsapp_switches (
    name TEXT NOT NULL PRIMARY KEY,
    position TEXT NOT NULL,
    since BIGINT,
    degraded_since BIGINT
);

-- How each step of the canary sessions went last.
CREATE TABLE canary_steps (
    step TEXT NOT NULL,
    session_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    took_ms BIGINT,
    failure TEXT,
    PRIMARY KEY (step, session_id)
);

-- The newest update notice that was verified, and when somebody last asked for one.
CREATE TABLE update_notice (
    id BIGINT NOT NULL PRIMARY KEY,
    tried_at BIGINT NOT NULL,
    fetched_at BIGINT,
    serial BIGINT,
    body TEXT
);
