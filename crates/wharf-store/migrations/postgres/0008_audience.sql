-- Whom a status is for, as WhatsApp writes ids: JSON. Other messages have their recipient in their row.
ALTER TABLE outgoing ADD COLUMN audience TEXT;
