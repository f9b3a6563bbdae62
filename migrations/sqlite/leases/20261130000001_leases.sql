-- Leases, in a file beside the log.
CREATE TABLE leases (
    name    TEXT PRIMARY KEY,
    -- Who holds it: a worker, in its data directory. UUIDs.
    worker  BLOB    NOT NULL CHECK (length(worker) = 16),
    place   BLOB    NOT NULL CHECK (length(place) = 16),
    -- Higher for each holder than for those before.
    epoch   INTEGER NOT NULL,
    -- Rises with every write.
    version INTEGER NOT NULL,
    -- When it ends, and how long it lasted when it was written: microseconds since 1970, UTC, and
    -- microseconds.
    until   INTEGER NOT NULL,
    term    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
