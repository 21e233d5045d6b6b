-- The sender's own name for a message.
ALTER TABLE messages ADD COLUMN reference TEXT;
CREATE INDEX messages_by_reference ON messages (account_id, reference) WHERE reference IS NOT NULL;
