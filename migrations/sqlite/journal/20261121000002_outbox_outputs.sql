-- The topics, `broker/topic`, that have the result of a run which is still in the outbox for others.
-- Only for direct runs: a message is delivered again, and goes to its publishers again.
CREATE TABLE outbox_outputs (
    run   INTEGER NOT NULL,
    topic TEXT    NOT NULL,
    PRIMARY KEY (run, topic)
) STRICT, WITHOUT ROWID;
