-- Read models: a generation of the tables, in a file of its own. Everything here is derived from
-- the event log and can be rebuilt from it.

CREATE TABLE checkpoint (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    position INTEGER NOT NULL,
    -- What the rows are like, and whether they are in use.
    shape    TEXT NOT NULL,
    live     INTEGER NOT NULL
) STRICT;

CREATE TABLE organizations (
    name       TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE members (
    organization TEXT NOT NULL,
    member       TEXT NOT NULL,
    role         TEXT NOT NULL,
    -- When the member got this role.
    since        INTEGER NOT NULL,
    PRIMARY KEY (organization, member)
) STRICT, WITHOUT ROWID;

CREATE TABLE algorithms (
    id            TEXT PRIMARY KEY,
    organization  TEXT NOT NULL,
    description   TEXT NOT NULL,
    registered_at INTEGER NOT NULL,
    retired_at    INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX algorithms_of_organization ON algorithms (organization, id);

CREATE TABLE versions (
    algorithm        TEXT NOT NULL,
    version          TEXT NOT NULL,
    -- Sorts as semantic versions do.
    precedence       TEXT NOT NULL,
    endpoint         TEXT NOT NULL,
    protocol         TEXT NOT NULL,
    timeout_ms       INTEGER NOT NULL,
    -- How its endpoint is called besides, in JSON.
    calls            TEXT NOT NULL,
    published_at     INTEGER NOT NULL,
    position         INTEGER NOT NULL,
    withdrawn_at     INTEGER,
    withdrawn_reason TEXT,
    PRIMARY KEY (algorithm, version)
) STRICT, WITHOUT ROWID;

CREATE INDEX versions_by_precedence ON versions (algorithm, precedence, version);

-- One that was disconnected or replaced stays, to be listed and to lead to the broker that took over.
CREATE TABLE brokers (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    settings      TEXT NOT NULL,
    -- The position of the event that last changed the settings.
    settings_at   INTEGER NOT NULL,
    connected_at  INTEGER NOT NULL,
    discovered_at INTEGER,
    ended_at      INTEGER,
    replaced_by   TEXT,
    -- The ids of the brokers that it took over from, and those that they had, as a JSON array.
    replaces      TEXT NOT NULL DEFAULT '[]',
    -- How many it has, since a list of brokers is asked for that often.
    topics        INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX brokers_connected ON brokers (name) WHERE ended_at IS NULL;

-- The topics that their brokers have, those that listeners and publishers are on, and dead letter
-- queues: all that a pattern may permit.
CREATE TABLE topics (
    broker     TEXT NOT NULL,
    name       TEXT NOT NULL,
    partitions INTEGER,
    -- Whether its broker has it.
    listed     INTEGER NOT NULL,
    PRIMARY KEY (broker, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE grants (
    key          TEXT PRIMARY KEY,
    broker       TEXT NOT NULL,
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

CREATE TABLE listeners (
    key            TEXT PRIMARY KEY,
    broker         TEXT NOT NULL,
    topic          TEXT NOT NULL,
    algorithm      TEXT NOT NULL,
    enabled        INTEGER NOT NULL,
    paused         INTEGER NOT NULL,
    -- Who paused it, and when; null unless it is paused.
    paused_by      TEXT,
    paused_at      INTEGER,
    version        TEXT NOT NULL,
    settings       TEXT NOT NULL,
    -- The consumer group that the listener reads with, a UUID.
    consumer_group TEXT NOT NULL,
    dlq            TEXT,
    -- The last reset of its position, JSON.
    reset          TEXT,
    -- The position of the event that last changed it.
    position       INTEGER NOT NULL,
    changed_at     INTEGER NOT NULL,
    -- The event that a policy enabled or disabled it for.
    cause          TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX listeners_of_algorithm ON listeners (algorithm, key);
CREATE INDEX listeners_of_group ON listeners (consumer_group);
CREATE INDEX listeners_of_topic ON listeners (broker, topic, key);
CREATE INDEX listeners_enabled ON listeners (broker, topic) WHERE enabled = 1;
CREATE INDEX listeners_dlq ON listeners (broker, dlq) WHERE dlq IS NOT NULL;

CREATE TABLE publishers (
    key        TEXT PRIMARY KEY,
    broker     TEXT NOT NULL,
    topic      TEXT NOT NULL,
    algorithm  TEXT NOT NULL,
    enabled    INTEGER NOT NULL,
    version    TEXT NOT NULL,
    position   INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    cause      TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX publishers_of_algorithm ON publishers (algorithm, key);
CREATE INDEX publishers_of_topic ON publishers (broker, topic, key);
CREATE INDEX publishers_enabled ON publishers (broker, topic) WHERE enabled = 1;

-- Workers that joined and did not leave.
CREATE TABLE workers (
    id        TEXT PRIMARY KEY,
    joined_at INTEGER NOT NULL,
    -- The one that it decides in.
    journal   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The journal of the cluster, in a row, once there is one. A worker with another one stands by.
CREATE TABLE cluster (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    journal TEXT NOT NULL
) STRICT;

CREATE TABLE consumers (
    worker   TEXT NOT NULL,
    listener TEXT NOT NULL,
    state    TEXT NOT NULL,
    -- Why it is blocked or failed.
    reason   TEXT,
    since    INTEGER NOT NULL,
    PRIMARY KEY (worker, listener)
) STRICT, WITHOUT ROWID;

CREATE INDEX consumers_of_listener ON consumers (listener, worker);

-- What workers are to run, and since which position; no body: to be stopped.
CREATE TABLE assignments (
    listener TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    body     TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX assignments_changed ON assignments (position);

-- What each thing's last event was in its own stream: what callers compare before they change it.
CREATE TABLE revisions (
    kind     TEXT NOT NULL,
    key      TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;

-- Which things show something else from a position on: of the last 10,000 positions.
CREATE TABLE changes (
    position INTEGER NOT NULL,
    -- Of what kind the thing is; or `more`, where not all of them are named.
    kind     TEXT NOT NULL,
    key      TEXT NOT NULL,
    PRIMARY KEY (position, kind, key)
) STRICT, WITHOUT ROWID;

-- What events have in common, hashed: the thing that they are about, who caused them, their type, the
-- request that they belong to; and their own ids.
CREATE TABLE event_terms (
    term     INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (term, position)
) STRICT, WITHOUT ROWID;

-- What each algorithm is permitted on each of the topics, and by which grant: several grants may
-- permit the same.
CREATE VIEW permitted AS
SELECT g.broker, g.topic, a.id AS algorithm, g.access, g.key AS by_grant
FROM grants g
JOIN algorithms a ON a.organization = g.organization
AND (g.algorithm IS NULL OR g.algorithm = a.id)
WHERE g.topic IS NOT NULL
UNION ALL
SELECT g.broker, t.name, a.id, g.access, g.key
FROM grants g
JOIN topics t ON t.broker = g.broker AND glob(g.pattern, t.name)
JOIN algorithms a ON a.organization = g.organization
AND (g.algorithm IS NULL OR g.algorithm = a.id)
WHERE g.topic IS NULL;
