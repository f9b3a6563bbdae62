-- The journal: what became of every message that the workers took. Several workers share it. It has a
-- schema of its own, `journal`, so that it may share a database with the log and the read models.

-- What tells the journal from all others, in a row.
CREATE TABLE journal (
    id uuid NOT NULL
);
INSERT INTO journal (id) VALUES (gen_random_uuid());

-- The workers that share it, each in the epoch of its lease: what is committed for it in an earlier
-- one is refused. One that another cleaned up after is not here any more.
CREATE TABLE workers (
    worker uuid PRIMARY KEY,
    epoch  bigint NOT NULL
);

CREATE TABLE listeners (
    listener       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The UUID that is its consumer group and the namespace of its runs; `direct:` and an algorithm
    -- for the direct callers of that.
    consumer_group text COLLATE "C" NOT NULL UNIQUE,
    topic          text COLLATE "C" NOT NULL,
    algorithm      text COLLATE "C" NOT NULL
);

-- A listener's ledger, what each worker adds to it: what is received and in none of the others is in
-- flight. A run may be received by one worker and decided by another.
CREATE TABLE counters (
    listener      bigint NOT NULL,
    worker        uuid   NOT NULL,
    received      bigint NOT NULL,
    succeeded     bigint NOT NULL,
    dead_lettered bigint NOT NULL,
    filtered      bigint NOT NULL,
    dropped       bigint NOT NULL,
    -- Outputs that ended without being published: the publisher was gone, or the result too large.
    withdrawn     bigint NOT NULL,
    too_large     bigint NOT NULL,
    -- Messages that the broker deleted before they were read.
    missed        bigint NOT NULL,
    -- Finished runs that retention has deleted.
    pruned        bigint NOT NULL,
    PRIMARY KEY (listener, worker)
);

CREATE SEQUENCE run_numbers;

CREATE TABLE runs (
    listener    bigint  NOT NULL,
    run         bigint  NOT NULL,
    run_id      uuid    NOT NULL,
    -- Where the message stands in its topic, in which life of it.
    partition   integer NOT NULL,
    "offset"    bigint  NOT NULL,
    incarnation bigint  NOT NULL,
    -- What tells it from another message at that place: when it was sent, in milliseconds since 1970,
    -- and the first half of its body's SHA-256. Nothing for direct runs.
    sent_at     bigint,
    digest      bytea CHECK (length(digest) = 16),
    -- The trace id that the message brings, and the run whose output or dead letter it says it is.
    correlation uuid,
    parent      uuid,
    -- The worker that took it first.
    worker      uuid    NOT NULL,
    -- Microseconds since 1970, UTC.
    claimed_at  bigint  NOT NULL,
    -- Calls counted, each before it was made.
    attempts    bigint  NOT NULL CHECK (attempts >= 0),
    -- How often the message was received without a decision.
    claims      bigint  NOT NULL DEFAULT 1,
    PRIMARY KEY (listener, run),
    -- A message is looked up by its place, not by run_id: places rise, and ids are random.
    UNIQUE (listener, partition, "offset", incarnation)
);

-- The runs of a workflow, but for those whose messages bring no trace id: theirs tells their places. By
-- blocks of 4096 runs, because trace ids are random: within the block that is being filled, few pages
-- are touched.
CREATE INDEX runs_of_workflow ON runs ((run >> 12), correlation) WHERE correlation IS NOT NULL;

-- The calls of runs that did not succeed; of a run the last 50.
CREATE TABLE attempts (
    run        bigint  NOT NULL,
    -- In the order in which they were made.
    call       bigint  NOT NULL,
    -- Microseconds since 1970, UTC.
    began_at   bigint  NOT NULL,
    -- How long it took, in microseconds.
    took       bigint  NOT NULL,
    version    text    NOT NULL,
    outcome    text    NOT NULL,
    status     integer,
    text       text    NOT NULL,
    -- Whether it counts among those that the retry policy allows.
    is_counted boolean NOT NULL,
    PRIMARY KEY (run, call)
);

-- How far a listener has come. What a broker keeps of it is a copy.
CREATE TABLE positions (
    listener    bigint  NOT NULL,
    partition   integer NOT NULL,
    -- Rises each time the log begins again, or the listener in it: a message from `since` on is of this life, one before it
    -- of the last.
    incarnation bigint  NOT NULL,
    since       bigint  NOT NULL,
    -- Everything before this offset is done.
    next        bigint  NOT NULL,
    -- The position, in the event log, of the reset that it was begun under; 0 before the first.
    reset       bigint  NOT NULL,
    PRIMARY KEY (listener, partition)
);

-- The lists of topics, `broker/topic` in a line each, that results go to, by the UUID that is made of
-- the list. Few, so that a decision names its outputs by one.
CREATE TABLE destinations (
    destination uuid PRIMARY KEY,
    topics      text NOT NULL
);

-- A run is decided once: by the row's insertion.
CREATE TABLE decisions (
    run         bigint PRIMARY KEY,
    listener    bigint NOT NULL,
    decision    text   NOT NULL,
    -- The version that was called, if any.
    version     text,
    -- The listener's revision that the decision was made under; none for a direct run.
    revision    text,
    status      integer,
    reason      text,
    reason_text text,
    -- Microseconds since 1970, UTC.
    finished_at bigint NOT NULL,
    -- The first half of the result's SHA-256; none where there is no result.
    digest      bytea CHECK (length(digest) = 16),
    -- Where the result goes; none where nothing is published.
    destination uuid,
    -- The fingerprint of the failure that it ended with, which failures of one kind have in common.
    failure     text,
    -- When the call began that it follows from, and how long that took, in microseconds.
    called_at   bigint,
    call_took   bigint
);

-- Decided, not yet known to be published.
CREATE TABLE outbox (
    run              bigint PRIMARY KEY,
    -- Until then that worker publishes it, and nobody else. Microseconds since 1970.
    held_until       bigint NOT NULL,
    worker           uuid   NOT NULL,
    -- Of the message that it is the result of.
    key              bytea,
    traceparent      bytea,
    content_type     text,
    content_encoding text,
    -- The bytes to publish; none for a dead letter, whose bytes are the message's.
    result           bytea
);

-- Outputs that ended by themselves: published before others of their run, or never. And which queue
-- has the dead letter of a run.
CREATE TABLE outputs (
    run   bigint NOT NULL,
    topic text COLLATE "C" NOT NULL,
    state text   NOT NULL CHECK (state IN ('PUBLISHED', 'WITHDRAWN', 'TOO_LARGE', 'DEAD_LETTERED')),
    PRIMARY KEY (run, topic)
);

-- What the consumers of listeners are doing, as their workers last said. Nothing depends on it.
CREATE TABLE consumers (
    consumer_group uuid   NOT NULL,
    worker         uuid   NOT NULL,
    state          text   NOT NULL,
    reason         text,
    -- When it entered the state. All times are microseconds since 1970, UTC.
    since          bigint NOT NULL,
    partitions     bigint NOT NULL,
    -- How many messages it is behind; none where that is not known.
    messages       bigint,
    -- When the oldest of them was sent, and when they were counted.
    oldest_at      bigint,
    measured_at    bigint,
    -- When its worker last said so.
    updated_at     bigint NOT NULL,
    PRIMARY KEY (consumer_group, worker)
);

-- Samples of runs, some of each kind of end: what of messages, requests and answers is kept to be
-- looked at. They are kept for some days, whether or not their runs are.
CREATE TABLE samples (
    run        bigint  PRIMARY KEY,
    listener   bigint  NOT NULL,
    -- When it was taken, in days since 1970, and how its run ended: its stratum.
    day        bigint  NOT NULL,
    stratum    text    NOT NULL,
    -- As good as random: of a stratum, the lowest are kept.
    rank       bigint  NOT NULL,
    -- What the row takes, roughly.
    bytes      bigint  NOT NULL,
    -- Microseconds since 1970, UTC.
    sampled_at bigint  NOT NULL,
    -- In JSON: all but the bytes.
    about      text    NOT NULL,
    key        bytea,
    message    bytea,
    request    bytea,
    answer     bytea
);

CREATE INDEX samples_by_rank ON samples (listener, day, stratum, rank);

-- The strata, with the bytes of their samples.
CREATE TABLE strata (
    listener bigint  NOT NULL,
    day      bigint  NOT NULL,
    stratum  text    NOT NULL,
    bytes    bigint  NOT NULL,
    -- The lowest rank that there was no room for.
    below    bigint,
    PRIMARY KEY (listener, day, stratum)
);

-- Up to where in the event log all workers must obey what is forbidden.
CREATE TABLE required (
    only_one integer PRIMARY KEY CHECK (only_one = 1),
    position bigint NOT NULL
);

INSERT INTO required (only_one, position) VALUES (1, 0);

-- How far workers have come.
CREATE TABLE confirmations (
    worker       uuid   PRIMARY KEY,
    -- They begin nothing that is forbidden by events up to this position.
    applied      bigint NOT NULL,
    -- What they had begun before has ended, too.
    ended        bigint NOT NULL,
    -- When they last came as far as was required: their leases begin there. None if they never did.
    -- Microseconds since 1970.
    confirmed_at bigint
);

-- What the listeners did, as their workers measured it, in steps of 10 and of 300 seconds.
CREATE TABLE series (
    consumer_group uuid   NOT NULL,
    step           bigint NOT NULL,
    -- When the step begins, in seconds since 1970, UTC.
    at             bigint NOT NULL,
    worker         uuid   NOT NULL,
    received       bigint NOT NULL,
    succeeded      bigint NOT NULL,
    dead_lettered  bigint NOT NULL,
    filtered       bigint NOT NULL,
    dropped        bigint NOT NULL,
    calls          bigint NOT NULL,
    failed_calls   bigint NOT NULL,
    -- How many calls took how long.
    took           bytea  NOT NULL,
    -- At the end of the step; none where it is not known.
    lag            bigint,
    lag_seconds    bigint,
    PRIMARY KEY (consumer_group, step, at, worker)
);

CREATE INDEX series_by_age ON series (step, at);
