-- 1 where the database was found to be an older self: the keys of the session are begun anew before it sends.
ALTER TABLE session_owner ADD COLUMN stale BIGINT NOT NULL DEFAULT 0;
