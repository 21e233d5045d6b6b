-- Kinds of events that texts have stand by a letter in new rows: the index of all other kinds knows both.
DROP INDEX events_rare;
CREATE INDEX events_rare ON events (account, number)
    WHERE kind <> 'message.status' AND kind <> 'message.sent' AND kind <> 'message.delivered' AND kind <> 'message.read' AND kind <> 'message.received' AND kind <> 's' AND kind <> 'o' AND kind <> 'd' AND kind <> 'r' AND kind <> 'i';
