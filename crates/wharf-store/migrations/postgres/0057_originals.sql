-- What a text said before it was edited or deleted, for the events that tell it. Events have their own words here, and nothing is kept: the table
-- stands for the statements that both databases run.
CREATE TABLE originals (
    message BIGINT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    event BIGINT NOT NULL,
    content TEXT NOT NULL
);
CREATE INDEX originals_by_event ON originals (account_id, event);
