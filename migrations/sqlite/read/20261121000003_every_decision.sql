-- Rows for every decision there is. The tables are emptied and the checkpoint goes back to the
-- start: all of it is derived from the event log again.
DELETE FROM organizations;
DELETE FROM algorithms;
DELETE FROM versions;
DELETE FROM topics;
DELETE FROM listeners;
DELETE FROM publishers;
DELETE FROM workers;
DELETE FROM consumers;
DELETE FROM assignments;
UPDATE checkpoint SET position = 0;

CREATE TABLE members (
    organization TEXT NOT NULL,
    member       TEXT NOT NULL,
    role         TEXT NOT NULL,
    -- When the member got this role.
    since        INTEGER NOT NULL,
    PRIMARY KEY (organization, member)
) STRICT, WITHOUT ROWID;

ALTER TABLE algorithms ADD COLUMN retired_at INTEGER;

ALTER TABLE versions ADD COLUMN withdrawn_at INTEGER;
ALTER TABLE versions ADD COLUMN withdrawn_reason TEXT;

-- One that was disconnected is in the log, not here. One that was replaced stays, gone as it is,
-- to lead to the one that took over.
DROP TABLE brokers;
CREATE TABLE brokers (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    settings      TEXT NOT NULL,
    connected_at  INTEGER NOT NULL,
    discovered_at INTEGER,
    replaced_at   INTEGER,
    replaced_by   TEXT
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX brokers_alive ON brokers (name) WHERE replaced_at IS NULL;

DROP TABLE grants;
CREATE TABLE grants (
    key          TEXT PRIMARY KEY,
    broker   TEXT NOT NULL,
    -- One of the two: the name of a topic, or a pattern of names.
    topic        TEXT,
    pattern      TEXT,
    organization TEXT NOT NULL,
    -- Null: all algorithms of the organization.
    algorithm    TEXT,
    access       TEXT NOT NULL,
    granted_at   INTEGER NOT NULL,
    -- The event that a policy granted it for.
    cause        TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX grants_of_topic ON grants (broker, topic, key);
CREATE INDEX grants_of_organization ON grants (organization, algorithm, key);

ALTER TABLE listeners ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
