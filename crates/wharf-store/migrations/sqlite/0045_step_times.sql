-- When a message reached each status after its first. What reached it before stands in `message_steps`.
ALTER TABLE messages ADD COLUMN sent_at INTEGER;
ALTER TABLE messages ADD COLUMN delivered_at INTEGER;
ALTER TABLE messages ADD COLUMN read_at INTEGER;
ALTER TABLE messages ADD COLUMN played_at INTEGER;
ALTER TABLE messages ADD COLUMN failed_at INTEGER;
