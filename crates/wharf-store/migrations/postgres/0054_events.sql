-- What is rare in a log of any length: events of kinds that the life of a text does not have, so that a list of them passes over nothing else.
-- Kind by kind, for SQLite would make a table of a list with each event that is written.
-- By a word of its own for the account: PostgreSQL cannot know how few they are, and would take the index of all.
CREATE INDEX events_rare ON events ((account_id || ''), number)
    WHERE kind <> 'message.status' AND kind <> 'message.sent' AND kind <> 'message.delivered' AND kind <> 'message.read' AND kind <> 'message.received';
