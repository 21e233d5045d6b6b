-- How many days the messages of a plan's accounts are kept; null is for ever.
ALTER TABLE plans ADD COLUMN message_days INTEGER;
