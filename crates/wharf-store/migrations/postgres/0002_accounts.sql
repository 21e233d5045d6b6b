ALTER TABLE api_keys ADD COLUMN last_used_at BIGINT;

-- How many calls were answered how: `code` is the code of a failure and empty for success.
CREATE TABLE usage_answers (
    account_id TEXT NOT NULL,
    utc_day BIGINT NOT NULL,
    code TEXT NOT NULL,
    answers BIGINT NOT NULL,
    PRIMARY KEY (account_id, utc_day, code)
);
