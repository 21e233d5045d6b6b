ALTER TABLE api_keys ADD COLUMN last_used_at INTEGER;

-- How many calls were answered how: `code` is the code of a failure and empty for success.
CREATE TABLE usage_answers (
    account_id TEXT NOT NULL,
    utc_day INTEGER NOT NULL,
    code TEXT NOT NULL,
    answers INTEGER NOT NULL,
    PRIMARY KEY (account_id, utc_day, code)
) STRICT, WITHOUT ROWID;
