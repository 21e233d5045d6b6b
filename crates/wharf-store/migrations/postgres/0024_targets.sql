-- A change may come before what it changes, and is looked for when that comes.
ALTER TABLE messages ADD COLUMN target_wa_id TEXT;
CREATE INDEX messages_by_target ON messages (session_id, target_wa_id) WHERE target_wa_id IS NOT NULL;
