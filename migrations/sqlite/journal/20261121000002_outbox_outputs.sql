-- The publishers that have the result of a run already which is still in the outbox for others.
-- Only for runs that somebody asked for directly: a message comes again, and finds its publishers.
CREATE TABLE outbox_outputs (
    run       INTEGER NOT NULL,
    publisher TEXT    NOT NULL,
    PRIMARY KEY (run, publisher)
) STRICT, WITHOUT ROWID;
