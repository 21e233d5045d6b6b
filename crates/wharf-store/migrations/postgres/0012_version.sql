-- The newest version of WhatsApp Web that any node knows, in one row: `version` is the last of its three numbers. Who moves
-- `tried_at` forward fetches; a higher version replaces a lower one.
CREATE TABLE whatsapp_version (
    one BIGINT PRIMARY KEY,
    version BIGINT,
    source TEXT,
    fetched_at BIGINT,
    tried_at BIGINT,
    by_node TEXT,
    refused_version BIGINT,
    refused_at BIGINT,
    expires_at BIGINT
);
