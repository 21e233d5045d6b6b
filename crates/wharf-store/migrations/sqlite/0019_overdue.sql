-- What ends is found by its account and in its order, so that nobody's backlog stands before another's.
CREATE INDEX messages_overdue ON messages (account_id, expires_at) WHERE status = 'queued';
