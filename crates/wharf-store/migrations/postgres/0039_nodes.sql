-- What a node tells of itself: its release, when its process began, and 1 where it was told to stop. A node of an earlier release tells nothing.
ALTER TABLE node_lease ADD COLUMN version TEXT;
ALTER TABLE node_lease ADD COLUMN started_at BIGINT;
ALTER TABLE node_lease ADD COLUMN draining BIGINT NOT NULL DEFAULT 0;
