-- What is rare in a log of any length, so that a list of it passes over nothing else. A text that is queued and sent stands in none of these.
-- They are made in one step: as long as that takes, only writes wait.
CREATE INDEX messages_failed ON messages (account_id, number) WHERE status = 'failed';

-- What is no text, by its kind: the first word of what it says, which is JSON that begins with its type.
CREATE INDEX messages_by_type ON messages (account_id, (SPLIT_PART(SUBSTR(content, 1, 40), '"', 4)), number)
    WHERE SUBSTR(content, 1, 14) <> '{"type":"text"';

-- What changes another message and is none to be read.
CREATE INDEX messages_changes ON messages (session_id, chat_key, direction, number) WHERE target_wa_id IS NOT NULL
    AND (SUBSTR(content, 1, LENGTH('reaction') + 10) = '{"type":"' || 'reaction' || '"' OR SUBSTR(content, 1, LENGTH('poll_vote') + 10) = '{"type":"' || 'poll_vote' || '"'
    OR SUBSTR(content, 1, LENGTH('edit') + 10) = '{"type":"' || 'edit' || '"' OR SUBSTR(content, 1, LENGTH('deletion') + 10) = '{"type":"' || 'deletion' || '"');

-- What was made more than five minutes before or after the time that its id tells: the ids of all others tell how old they are.
-- By a word of their own for the account: PostgreSQL cannot know how few they are, and would take an index of all.
CREATE INDEX messages_behind ON messages ((account_id || ''), number)
    WHERE id >= 'msg_' || LPAD(TO_HEX(LEAST(created_at, 281474976000000) + 300000), 12, '0');
CREATE INDEX messages_ahead ON messages ((account_id || ''), number)
    WHERE id < 'msg_' || LPAD(TO_HEX(GREATEST(created_at, 300000) - 300000), 12, '0');
