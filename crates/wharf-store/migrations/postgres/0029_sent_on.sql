-- Whether a message of the account has taken a received file along: then it is the account's own and stays where its first message is deleted.
-- Of files that are there already it is not known: they stay.
ALTER TABLE media ADD COLUMN sent_on BIGINT NOT NULL DEFAULT 1;
