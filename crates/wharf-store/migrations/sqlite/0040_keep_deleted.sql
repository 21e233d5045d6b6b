-- Whether the accounts of a plan keep what was deleted for everyone.
ALTER TABLE plans ADD COLUMN keep_deleted INTEGER NOT NULL DEFAULT 0;
