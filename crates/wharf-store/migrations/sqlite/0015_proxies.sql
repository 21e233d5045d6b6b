-- A session's own proxy on the way to WhatsApp, sealed: its address may hold a password.
ALTER TABLE sessions ADD COLUMN proxy BLOB;
