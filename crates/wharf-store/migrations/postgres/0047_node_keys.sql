-- What a node tells of master keys, by their ids: those that it knows, with blanks between, and the one that it seals with. A node of an
-- earlier release tells nothing.
ALTER TABLE node_lease ADD COLUMN knows_keys TEXT;
ALTER TABLE node_lease ADD COLUMN seals_with TEXT;
