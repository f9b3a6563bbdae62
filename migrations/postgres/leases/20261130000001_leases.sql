-- Leases, in a schema of their own, `eventflows_leases`: in the database of the read models or, where
-- those are not in PostgreSQL, of the log.
CREATE TABLE leases (
    name    text COLLATE "C" PRIMARY KEY,
    -- Who holds it: a worker, in its data directory.
    worker  uuid   NOT NULL,
    place   uuid   NOT NULL,
    -- Higher for each holder than for those before.
    epoch   bigint NOT NULL,
    -- Rises with every write.
    version bigint NOT NULL,
    -- When it ends, by the database's clock.
    until   timestamptz NOT NULL
);
