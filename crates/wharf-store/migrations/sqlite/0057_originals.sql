-- What a text said before it was edited or deleted, for the events that tell it: they have the message's number, and its row says something else now.
CREATE TABLE originals (
    message INTEGER NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    -- The account's last event of before: with that one it goes.
    event INTEGER NOT NULL,
    content TEXT NOT NULL
) STRICT;
CREATE INDEX originals_by_event ON originals (account_id, event);
-- The first that a text said stays, whatever changes it and however often.
CREATE TRIGGER originals_kept BEFORE UPDATE OF content ON messages
WHEN NEW.content <> OLD.content AND SUBSTR(OLD.content, 1, 14) = '{"type":"text"' BEGIN
    INSERT INTO originals (message, account_id, event, content) SELECT OLD.number, OLD.account_id, l.last, OLD.content
        FROM (SELECT MAX(e.number) AS last FROM events e WHERE e.account = (SELECT a.number FROM accounts a WHERE a.id = OLD.account_id)) l
        WHERE l.last IS NOT NULL AND NOT EXISTS (SELECT 1 FROM originals o WHERE o.message = OLD.number);
END;
