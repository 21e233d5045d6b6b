-- For SQLite alone: here an older release beside reads the rows of events as they are.
SELECT 1;
