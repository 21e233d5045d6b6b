-- Since when an account is suspended: nobody acts in it and its sessions rest, until an operator lifts that. Everything in it stays.
ALTER TABLE accounts ADD COLUMN suspended_at INTEGER;
CREATE INDEX accounts_suspended ON accounts (suspended_at) WHERE suspended_at IS NOT NULL;
