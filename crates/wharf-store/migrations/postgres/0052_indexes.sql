-- What ends is found by its end: by an index of all that is queued PostgreSQL looked for one session's queue too, through everybody's.
-- It is made first: as long as that takes, only writes wait.
CREATE INDEX messages_expiring ON messages (account_id, expires_at) WHERE status = 'queued' AND expires_at IS NOT NULL;
DROP INDEX messages_overdue;

-- Each text cost it a page, and lists of a chat go by `messages_by_chat_and_way` in each session.
DROP INDEX messages_by_chat;
