ALTER TABLE plans ADD COLUMN event_days BIGINT NOT NULL DEFAULT 30;
UPDATE plans SET event_days = 7 WHERE name = 'free';
UPDATE plans SET event_days = 14 WHERE name = 'basic';
UPDATE plans SET event_days = 90 WHERE name = 'enterprise';

-- Counts the events that belong to the account and to none of its sessions; their `session_id` is empty.
ALTER TABLE accounts ADD COLUMN event_sequence BIGINT NOT NULL DEFAULT 0;

-- Ids grow with the time of writing, so they tell how old an event is too.
CREATE UNIQUE INDEX events_by_id ON events (id);

-- Secrets and headers are sealed. `courier` is the node that delivers, until `courier_until`.
CREATE TABLE webhooks (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    session_id TEXT,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    description TEXT,
    timeout_ms BIGINT NOT NULL,
    header_names TEXT NOT NULL,
    headers BYTEA,
    secret BYTEA NOT NULL,
    old_secret BYTEA,
    old_secret_until BIGINT,
    enabled BIGINT NOT NULL,
    disabled_reason TEXT,
    disabled_at BIGINT,
    failing_since BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    courier TEXT,
    courier_until BIGINT
);
CREATE INDEX webhooks_by_account ON webhooks (account_id, number);

-- One event on its way to one webhook. `next_at` is 0 for a first try, so that first tries go out in the order of their
-- events. `log` holds the tries as JSON objects with commas between.
CREATE TABLE deliveries (
    webhook BIGINT NOT NULL,
    event BIGINT NOT NULL,
    state TEXT NOT NULL,
    next_at BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    log TEXT NOT NULL,
    PRIMARY KEY (webhook, event)
);
CREATE INDEX deliveries_pending ON deliveries (webhook, next_at, event) WHERE state = 'pending';

-- Which warnings about the day's messages were given: 80 and 100.
ALTER TABLE usage ADD COLUMN warned BIGINT NOT NULL DEFAULT 0;
