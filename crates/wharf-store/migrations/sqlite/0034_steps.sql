-- The event after it tells the same step under a kind of its own: whoever wants each step once leaves it out.
ALTER TABLE events ADD COLUMN repeated INTEGER NOT NULL DEFAULT 0;
