-- What stands on a message besides its content: the message that it answers, reactions, when it was edited. JSON.
ALTER TABLE messages ADD COLUMN marks TEXT NOT NULL DEFAULT '{}';

-- Replies and changes name a message by its WhatsApp id. Outgoing ones have an index for that already.
CREATE INDEX messages_incoming_by_wa_id ON messages (session_id, wa_id) WHERE direction = 'incoming';
