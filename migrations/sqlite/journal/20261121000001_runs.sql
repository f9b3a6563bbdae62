-- The journal: what became of every message that a worker took. Rows of the tables on the way of a
-- message are inserted in the order of claims and never updated there, so that a commit writes few
-- pages however many runs are kept.

-- What tells the journal from all others, in a row.
CREATE TABLE journal (
    id    BLOB    NOT NULL CHECK (length(id) = 16),
    -- Of the lease of the process that may write; what another commits in an earlier one is refused.
    epoch INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO journal (id) VALUES (randomblob(16));

-- A listener, its counters, and so its ledger: what is received and in none of the others is in
-- flight.
CREATE TABLE listeners (
    listener       INTEGER PRIMARY KEY,
    -- The UUID that is its consumer group and the namespace of its runs; `direct:` and an algorithm
    -- for the direct callers of that.
    consumer_group TEXT    NOT NULL UNIQUE,
    topic          TEXT    NOT NULL,
    algorithm      TEXT    NOT NULL,
    received       INTEGER NOT NULL DEFAULT 0,
    succeeded      INTEGER NOT NULL DEFAULT 0,
    dead_lettered  INTEGER NOT NULL DEFAULT 0,
    filtered       INTEGER NOT NULL DEFAULT 0,
    dropped        INTEGER NOT NULL DEFAULT 0,
    -- Outputs that ended without being published: the publisher was gone, or the result too large.
    withdrawn      INTEGER NOT NULL DEFAULT 0,
    too_large      INTEGER NOT NULL DEFAULT 0,
    -- Messages that the broker deleted before they were read.
    missed         INTEGER NOT NULL DEFAULT 0,
    -- Finished runs that retention has deleted.
    pruned         INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE runs (
    listener        INTEGER NOT NULL,
    -- In the order of claims, across listeners.
    run             INTEGER NOT NULL,
    run_id          BLOB    NOT NULL CHECK (length(run_id) = 16),
    -- Where the message stands in its topic, in which life of it.
    partition       INTEGER NOT NULL,
    "offset"        INTEGER NOT NULL,
    incarnation     INTEGER NOT NULL,
    -- What tells it from another message at that place: when it was sent, in milliseconds since 1970,
    -- and the first half of its body's SHA-256. Nothing for direct runs.
    sent_at         INTEGER,
    digest          BLOB CHECK (length(digest) = 16),
    -- The trace id that the message brings, and the run whose output or dead letter it says it is.
    correlation     BLOB CHECK (length(correlation) = 16),
    parent          BLOB CHECK (length(parent) = 16),
    -- Microseconds since 1970, UTC.
    claimed_at      INTEGER NOT NULL,
    -- Calls counted, each before it was made.
    attempts        INTEGER NOT NULL CHECK (attempts >= 0),
    -- How often the message was received without a decision.
    claims          INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (listener, run),
    -- A message is looked up by its place, not by run_id: places rise, and ids, being random, would
    -- touch a page of their own each.
    UNIQUE (listener, partition, "offset", incarnation)
) STRICT, WITHOUT ROWID;

-- The runs of a workflow, but for those whose messages bring no trace id: theirs tells their places. By
-- blocks of 4096 runs, because trace ids are random: within the block that is being filled, few pages
-- are touched.
CREATE INDEX runs_of_workflow ON runs ((run >> 12), correlation) WHERE correlation IS NOT NULL;

-- The calls of runs that did not succeed; of a run the last 50.
CREATE TABLE attempts (
    run        INTEGER NOT NULL,
    -- In the order in which they were made.
    call       INTEGER NOT NULL,
    -- Microseconds since 1970, UTC.
    began_at   INTEGER NOT NULL,
    -- How long it took, in microseconds.
    took       INTEGER NOT NULL,
    version    TEXT    NOT NULL,
    outcome    TEXT    NOT NULL,
    status     INTEGER,
    text       TEXT    NOT NULL,
    -- Whether it counts among those that the retry policy allows.
    is_counted INTEGER NOT NULL,
    PRIMARY KEY (run, call)
) STRICT, WITHOUT ROWID;

-- How far a listener has come. What a broker keeps of it is a copy.
CREATE TABLE positions (
    listener    INTEGER NOT NULL,
    partition   INTEGER NOT NULL,
    -- Rises each time the log begins again, or the listener in it: a message from `since` on is of this life, one before it
    -- of the last.
    incarnation INTEGER NOT NULL,
    since       INTEGER NOT NULL,
    -- Everything before this offset is done.
    next        INTEGER NOT NULL,
    -- The position, in the event log, of the reset that it was begun under; 0 before the first.
    reset       INTEGER NOT NULL,
    PRIMARY KEY (listener, partition)
) STRICT, WITHOUT ROWID;

-- A run is decided once: by the row's insertion.
CREATE TABLE decisions (
    run          INTEGER PRIMARY KEY,
    listener     INTEGER NOT NULL,
    decision     TEXT    NOT NULL,
    -- The version that was called, if any.
    version      TEXT,
    -- The listener's revision that the decision was made under; none for a direct run.
    revision     TEXT,
    status       INTEGER,
    reason       TEXT,
    reason_text  TEXT,
    -- Microseconds since 1970, UTC.
    finished_at  INTEGER NOT NULL,
    -- The first half of the result's SHA-256; none where there is no result.
    digest       BLOB CHECK (length(digest) = 16),
    -- Where the result goes; none where nothing is published.
    destination  INTEGER,
    -- The fingerprint of the failure that it ended with, which failures of one kind have in common.
    failure      TEXT,
    -- When the call began that it follows from, and how long that took, in microseconds.
    called_at    INTEGER,
    call_took    INTEGER
) STRICT;

-- The lists of topics, `broker/topic` in a line each, that results go to. Few, so that a decision
-- names its outputs by a number.
CREATE TABLE destinations (
    destination INTEGER PRIMARY KEY,
    topics      TEXT    NOT NULL UNIQUE
) STRICT;

-- Decided, not yet known to be published.
CREATE TABLE outbox (
    run              INTEGER PRIMARY KEY,
    -- Until then whoever decided or took it publishes it, and nobody else. Microseconds since 1970.
    held_until       INTEGER NOT NULL,
    -- Of the message that it is the result of.
    key              BLOB,
    traceparent      BLOB,
    content_type     TEXT,
    content_encoding TEXT,
    -- The bytes to publish; none for a dead letter, whose bytes are the message's.
    result           BLOB
) STRICT;

-- Outputs that ended by themselves: published before others of their run, or never. And which queue
-- has the dead letter of a run.
CREATE TABLE outputs (
    run   INTEGER NOT NULL,
    topic TEXT    NOT NULL,
    state TEXT    NOT NULL CHECK (state IN ('PUBLISHED', 'WITHDRAWN', 'TOO_LARGE', 'DEAD_LETTERED')),
    PRIMARY KEY (run, topic)
) STRICT, WITHOUT ROWID;

-- What the consumers of listeners are doing, as their workers last said. Nothing depends on it.
CREATE TABLE consumers (
    -- The UUID of the listener's consumer group.
    consumer_group TEXT    NOT NULL,
    worker         BLOB    NOT NULL CHECK (length(worker) = 16),
    state          TEXT    NOT NULL,
    reason         TEXT,
    -- When it entered the state. All times are microseconds since 1970, UTC.
    since          INTEGER NOT NULL,
    partitions     INTEGER NOT NULL,
    -- How many messages it is behind; none where that is not known.
    messages       INTEGER,
    -- When the oldest of them was sent, and when they were counted.
    oldest_at      INTEGER,
    measured_at    INTEGER,
    -- When its worker last said so.
    updated_at     INTEGER NOT NULL,
    PRIMARY KEY (consumer_group, worker)
) STRICT, WITHOUT ROWID;

-- Samples of runs, some of each kind of end: what of messages, requests and answers is kept to be
-- looked at. They are kept for some days, whether or not their runs are.
CREATE TABLE samples (
    run        INTEGER PRIMARY KEY,
    listener   INTEGER NOT NULL,
    -- When it was taken, in days since 1970, and how its run ended: its stratum.
    day        INTEGER NOT NULL,
    stratum    TEXT    NOT NULL,
    -- As good as random: of a stratum, the lowest are kept.
    rank       INTEGER NOT NULL,
    -- What the row takes, roughly.
    bytes      INTEGER NOT NULL,
    -- Microseconds since 1970, UTC.
    sampled_at INTEGER NOT NULL,
    -- In JSON: all but the bytes.
    about      TEXT    NOT NULL,
    key        BLOB,
    message    BLOB,
    request    BLOB,
    answer     BLOB
) STRICT;

CREATE INDEX samples_by_rank ON samples (listener, day, stratum, rank);

-- The strata, with the bytes of their samples.
CREATE TABLE strata (
    listener INTEGER NOT NULL,
    day      INTEGER NOT NULL,
    stratum  TEXT    NOT NULL,
    bytes    INTEGER NOT NULL,
    -- The lowest rank that there was no room for.
    below    INTEGER,
    PRIMARY KEY (listener, day, stratum)
) STRICT, WITHOUT ROWID;

-- Up to where in the event log all workers must obey what is forbidden.
CREATE TABLE required (
    only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
    position INTEGER NOT NULL
) STRICT;

INSERT INTO required (only_one, position) VALUES (1, 0);

-- How far workers have come.
CREATE TABLE confirmations (
    worker       BLOB    NOT NULL PRIMARY KEY CHECK (length(worker) = 16),
    -- They begin nothing that is forbidden by events up to this position.
    applied      INTEGER NOT NULL,
    -- What they had begun before has ended, too.
    ended        INTEGER NOT NULL,
    -- When they last came as far as was required: their leases begin there. None if they never did.
    -- Microseconds since 1970.
    confirmed_at INTEGER
) STRICT;

-- What the listeners did, as their workers measured it, in steps of 10 and of 300 seconds.
CREATE TABLE series (
    consumer_group TEXT    NOT NULL,
    step           INTEGER NOT NULL,
    -- When the step begins, in seconds since 1970, UTC.
    at             INTEGER NOT NULL,
    worker         BLOB    NOT NULL CHECK (length(worker) = 16),
    received       INTEGER NOT NULL,
    succeeded      INTEGER NOT NULL,
    dead_lettered  INTEGER NOT NULL,
    filtered       INTEGER NOT NULL,
    dropped        INTEGER NOT NULL,
    calls          INTEGER NOT NULL,
    failed_calls   INTEGER NOT NULL,
    -- How many calls took how long.
    took           BLOB    NOT NULL,
    -- At the end of the step; none where it is not known.
    lag            INTEGER,
    lag_seconds    INTEGER,
    PRIMARY KEY (consumer_group, step, at, worker)
) STRICT, WITHOUT ROWID;

CREATE INDEX series_by_age ON series (step, at);
