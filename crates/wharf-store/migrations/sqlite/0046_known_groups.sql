-- What a group was when it was seen last, and since when the session is not in it: an older release writes the name alone.
ALTER TABLE chat_names ADD COLUMN shown TEXT;
ALTER TABLE chat_names ADD COLUMN left_at INTEGER;
