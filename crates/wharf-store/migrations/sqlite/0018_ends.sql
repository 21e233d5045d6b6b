-- When a message was last claimed for a try: one that may be on the wire is not called overdue.
ALTER TABLE outgoing ADD COLUMN claimed_at INTEGER;

-- Whether a message failed without anybody knowing that it did not arrive: a receipt corrects that.
ALTER TABLE messages ADD COLUMN doubtful INTEGER NOT NULL DEFAULT 0;

-- The last change of the link that was written: one whose commit lost its answer is not written twice.
ALTER TABLE sessions ADD COLUMN link_change TEXT;
