-- Since when an account is being deleted: nobody acts in it any more, what it has goes in parts, and its own row goes last.
ALTER TABLE accounts ADD COLUMN deleting_at INTEGER;
CREATE INDEX accounts_deleting ON accounts (deleting_at) WHERE deleting_at IS NOT NULL;

-- Sessions that are deleted, and files in whatever state, are found by their account too.
CREATE INDEX sessions_of_account ON sessions (account_id, number);
CREATE INDEX media_of_account ON media (account_id, id);
