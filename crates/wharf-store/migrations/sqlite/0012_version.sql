-- The newest version of WhatsApp Web that any node knows, in one row: `version` is the last of its three numbers. Who moves
-- `tried_at` forward fetches; a higher version replaces a lower one.
CREATE TABLE whatsapp_version (
    one INTEGER PRIMARY KEY,
    version INTEGER,
    source TEXT,
    fetched_at INTEGER,
    tried_at INTEGER,
    by_node TEXT,
    refused_version INTEGER,
    refused_at INTEGER,
    expires_at INTEGER
) STRICT;
