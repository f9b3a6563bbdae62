-- The tables are a generation now: a file of their own, filled from the event log's beginning,
-- with what their rows are like and whether they are in use.
DROP TABLE checkpoint;
CREATE TABLE checkpoint (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    position INTEGER NOT NULL,
    shape    TEXT NOT NULL,
    live     INTEGER NOT NULL
) STRICT;
