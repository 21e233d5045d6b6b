-- The largest body that a webhook's server takes; null takes everything whole.
ALTER TABLE webhooks ADD COLUMN max_bytes INTEGER;
