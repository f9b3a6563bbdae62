-- The event log: what was appended, in one total order, and the commands it came from.

-- One row. Every append locks it first and keeps it until the commit: the order of positions is
-- the order of commits, without gaps.
CREATE TABLE log_head (
    only_row BOOLEAN PRIMARY KEY DEFAULT true CHECK (only_row),
    -- That of the last event; 0 in an empty log.
    position BIGINT NOT NULL CHECK (position >= 0)
);

INSERT INTO log_head (position) VALUES (0);

CREATE TABLE events (
    position       BIGINT PRIMARY KEY CHECK (position > 0),
    event_id       UUID   NOT NULL UNIQUE,
    -- UTF-8 as bytes: text has no NUL here, and compares as the database's locale pleases.
    stream         BYTEA  NOT NULL,
    revision       BIGINT NOT NULL CHECK (revision >= 0),
    type           TEXT   NOT NULL,
    schema_version BIGINT NOT NULL CHECK (schema_version >= 0),
    -- Microseconds since 1970, UTC.
    recorded_at    BIGINT NOT NULL,
    command_id     UUID   NOT NULL,
    -- JSON: who asked, and why.
    metadata       TEXT   NOT NULL,
    -- JSON, the very bytes that were appended.
    payload        BYTEA  NOT NULL,
    UNIQUE (stream, revision)
);

CREATE TABLE commands (
    command_id     UUID   PRIMARY KEY,
    fingerprint    BYTEA  NOT NULL CHECK (length(fingerprint) = 32),
    first_position BIGINT NOT NULL,
    last_position  BIGINT NOT NULL CHECK (last_position >= first_position),
    stream         BYTEA  NOT NULL,
    -- The stream's revision after it.
    revision       BIGINT NOT NULL
);

CREATE FUNCTION refuse_to_change_the_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the event log is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;

-- ALWAYS: a session that plays a replica fires no other triggers.
CREATE TRIGGER events_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_log();
ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_never_changed;

CREATE TRIGGER commands_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON commands
FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_log();
ALTER TABLE commands ENABLE ALWAYS TRIGGER commands_are_never_changed;

CREATE TRIGGER the_head_is_never_removed BEFORE DELETE OR TRUNCATE ON log_head
FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_log();
ALTER TABLE log_head ENABLE ALWAYS TRIGGER the_head_is_never_removed;

CREATE TRIGGER the_head_only_rises BEFORE UPDATE ON log_head
FOR EACH ROW WHEN (NEW.position <= OLD.position) EXECUTE FUNCTION refuse_to_change_the_log();
ALTER TABLE log_head ENABLE ALWAYS TRIGGER the_head_only_rises;
