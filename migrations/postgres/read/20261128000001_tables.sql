-- Read models: a generation of the tables, in a schema of its own. Everything here is derived from
-- the event log and can be rebuilt from it. Text is compared byte by byte, as in SQLite.

-- The words of SQLite that statements use.

-- Whether `value` is covered by `pattern`, in which a star stands for anything.
CREATE FUNCTION glob(pattern text, value text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT value LIKE
        replace(replace(replace(replace(pattern, '\', '\\'), '%', '\%'), '_', '\_'), '*', '%')
$$;

CREATE FUNCTION instr(value text, part text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT strpos(value, part) $$;

CREATE FUNCTION json_each(list text) RETURNS TABLE (value text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT json_array_elements_text(list::json) $$;

CREATE FUNCTION json_field(object text, field text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT object::json ->> field $$;

CREATE OPERATOR ->> (LEFTARG = text, RIGHTARG = text, FUNCTION = json_field);

CREATE TABLE checkpoint (
    id       bigint PRIMARY KEY CHECK (id = 1),
    position bigint NOT NULL,
    -- What the rows are like, and whether they are in use.
    shape    text NOT NULL,
    live     bigint NOT NULL
);

CREATE TABLE organizations (
    name       text COLLATE "C" PRIMARY KEY,
    created_at bigint NOT NULL
);

CREATE TABLE members (
    organization text COLLATE "C" NOT NULL,
    member       text COLLATE "C" NOT NULL,
    role         text COLLATE "C" NOT NULL,
    -- When the member got this role.
    since        bigint NOT NULL,
    PRIMARY KEY (organization, member)
);

CREATE TABLE algorithms (
    id            text COLLATE "C" PRIMARY KEY,
    organization  text COLLATE "C" NOT NULL,
    description   text NOT NULL,
    registered_at bigint NOT NULL,
    retired_at    bigint
);

CREATE INDEX algorithms_of_organization ON algorithms (organization, id);

CREATE TABLE versions (
    algorithm        text COLLATE "C" NOT NULL,
    version          text COLLATE "C" NOT NULL,
    -- Sorts as semantic versions do.
    precedence       text COLLATE "C" NOT NULL,
    endpoint         text NOT NULL,
    protocol         text NOT NULL,
    timeout_ms       bigint NOT NULL,
    -- How its endpoint is called besides, in JSON.
    calls            text NOT NULL,
    published_at     bigint NOT NULL,
    position         bigint NOT NULL,
    withdrawn_at     bigint,
    withdrawn_reason text,
    PRIMARY KEY (algorithm, version)
);

CREATE INDEX versions_by_precedence ON versions (algorithm, precedence, version);

-- One that was disconnected or replaced stays, to be listed and to lead to the broker that took over.
CREATE TABLE brokers (
    id            text COLLATE "C" PRIMARY KEY,
    name          text COLLATE "C" NOT NULL,
    settings      text NOT NULL,
    -- The position of the event that last changed the settings.
    settings_at   bigint NOT NULL,
    connected_at  bigint NOT NULL,
    discovered_at bigint,
    ended_at      bigint,
    replaced_by   text COLLATE "C",
    -- The ids of the brokers that it took over from, and those that they had, as a JSON array.
    replaces      text NOT NULL DEFAULT '[]',
    -- How many it has, since a list of brokers is asked for that often.
    topics        bigint NOT NULL DEFAULT 0
);

CREATE UNIQUE INDEX brokers_connected ON brokers (name) WHERE ended_at IS NULL;

-- The topics that their brokers have, those that listeners and publishers are on, and dead letter
-- queues: all that a pattern may permit.
CREATE TABLE topics (
    broker     text COLLATE "C" NOT NULL,
    name       text COLLATE "C" NOT NULL,
    partitions bigint,
    -- Whether its broker has it.
    listed     bigint NOT NULL,
    PRIMARY KEY (broker, name)
);

CREATE TABLE grants (
    key          text COLLATE "C" PRIMARY KEY,
    broker       text COLLATE "C" NOT NULL,
    -- One of the two: the name of a topic, or a pattern of names.
    topic        text COLLATE "C",
    pattern      text COLLATE "C",
    organization text COLLATE "C" NOT NULL,
    -- Null: all algorithms of the organization.
    algorithm    text COLLATE "C",
    access       text COLLATE "C" NOT NULL,
    granted_at   bigint NOT NULL,
    -- The event that a policy granted it for.
    cause        text
);

CREATE INDEX grants_of_topic ON grants (broker, topic, key);
CREATE INDEX grants_of_organization ON grants (organization, algorithm, key);

CREATE TABLE listeners (
    key            text COLLATE "C" PRIMARY KEY,
    broker         text COLLATE "C" NOT NULL,
    topic          text COLLATE "C" NOT NULL,
    algorithm      text COLLATE "C" NOT NULL,
    enabled        bigint NOT NULL,
    paused         bigint NOT NULL,
    -- Who paused it, and when; null unless it is paused.
    paused_by      text,
    paused_at      bigint,
    version        text NOT NULL,
    settings       text NOT NULL,
    -- The consumer group that the listener reads with, a UUID.
    consumer_group text NOT NULL,
    dlq            text COLLATE "C",
    -- The last reset of its position, JSON.
    reset          text,
    -- The position of the event that last changed it.
    position       bigint NOT NULL,
    changed_at     bigint NOT NULL,
    -- The event that a policy enabled or disabled it for.
    cause          text
);

CREATE INDEX listeners_of_algorithm ON listeners (algorithm, key);
CREATE INDEX listeners_of_group ON listeners (consumer_group);
CREATE INDEX listeners_of_topic ON listeners (broker, topic, key);
CREATE INDEX listeners_enabled ON listeners (broker, topic) WHERE enabled = 1;
CREATE INDEX listeners_dlq ON listeners (broker, dlq) WHERE dlq IS NOT NULL;

CREATE TABLE publishers (
    key        text COLLATE "C" PRIMARY KEY,
    broker     text COLLATE "C" NOT NULL,
    topic      text COLLATE "C" NOT NULL,
    algorithm  text COLLATE "C" NOT NULL,
    enabled    bigint NOT NULL,
    version    text NOT NULL,
    position   bigint NOT NULL,
    changed_at bigint NOT NULL,
    cause      text
);

CREATE INDEX publishers_of_algorithm ON publishers (algorithm, key);
CREATE INDEX publishers_of_topic ON publishers (broker, topic, key);
CREATE INDEX publishers_enabled ON publishers (broker, topic) WHERE enabled = 1;

-- Workers that joined and did not leave.
CREATE TABLE workers (
    id        text COLLATE "C" PRIMARY KEY,
    joined_at bigint NOT NULL,
    -- The one that it decides in.
    journal   text COLLATE "C" NOT NULL
);

-- The journal of the cluster, in a row, once there is one. A worker with another one stands by.
CREATE TABLE cluster (
    id      bigint PRIMARY KEY CHECK (id = 1),
    journal text COLLATE "C" NOT NULL
);

CREATE TABLE consumers (
    worker   text COLLATE "C" NOT NULL,
    listener text COLLATE "C" NOT NULL,
    state    text NOT NULL,
    -- Why it is blocked or failed.
    reason   text,
    since    bigint NOT NULL,
    PRIMARY KEY (worker, listener)
);

CREATE INDEX consumers_of_listener ON consumers (listener, worker);

-- What workers are to run, and since which position; no body: to be stopped.
CREATE TABLE assignments (
    listener text COLLATE "C" PRIMARY KEY,
    position bigint NOT NULL,
    body     text
);

CREATE INDEX assignments_changed ON assignments (position);

-- What each thing's last event was in its own stream: what callers compare before they change it.
CREATE TABLE revisions (
    kind     text COLLATE "C" NOT NULL,
    key      text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    PRIMARY KEY (kind, key)
);

-- Which things show something else from a position on: of the last 10,000 positions.
CREATE TABLE changes (
    position bigint NOT NULL,
    -- Of what kind the thing is; or `more`, where not all of them are named.
    kind     text COLLATE "C" NOT NULL,
    key      text COLLATE "C" NOT NULL,
    PRIMARY KEY (position, kind, key)
);

-- What events have in common, hashed: the thing that they are about, who caused them, their type, the
-- request that they belong to; and their own ids.
CREATE TABLE event_terms (
    term     bigint NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (term, position)
);

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
