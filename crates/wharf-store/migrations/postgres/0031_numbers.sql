-- Which number the session was linked to last, since when, and the last message of those that it was linked to before: nothing can be done to
-- what another number said.
ALTER TABLE sessions ADD COLUMN last_number TEXT;
ALTER TABLE sessions ADD COLUMN number_since BIGINT;
ALTER TABLE sessions ADD COLUMN others_until BIGINT NOT NULL DEFAULT 0;
UPDATE sessions SET last_number = split_part(split_part(jid, '@', 1), ':', 1) WHERE jid IS NOT NULL;
