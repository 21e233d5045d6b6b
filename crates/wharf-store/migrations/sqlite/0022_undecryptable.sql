-- What could not be decrypted is looked for again and again, and is hardly ever there.
CREATE INDEX messages_undecryptable ON messages (session_id, number) WHERE content = '{"type":"undecryptable"}';
