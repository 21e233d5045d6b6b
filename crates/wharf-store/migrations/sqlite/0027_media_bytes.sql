-- How many bytes of files the accounts of a plan may have at the same time; null is without limit.
ALTER TABLE plans ADD COLUMN media_bytes INTEGER;
UPDATE plans SET media_bytes = 1000000000 WHERE name = 'free';
UPDATE plans SET media_bytes = 10000000000 WHERE name = 'basic';
UPDATE plans SET media_bytes = 100000000000 WHERE name = 'pro';

-- What an account has is added up from the index alone.
CREATE INDEX media_held ON media (account_id, size) WHERE state = 'stored';
