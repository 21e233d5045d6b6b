-- 1 where the node reads payloads that are sealed; a node of an earlier release, which runs on for a while, does not say so.
ALTER TABLE node_lease ADD COLUMN reads_sealed INTEGER NOT NULL DEFAULT 0;
