-- What WhatsApp said when it last turned a session away, as JSON.
ALTER TABLE sessions ADD COLUMN refusal TEXT;
