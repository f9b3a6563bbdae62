-- The event log: what was appended, in one total order, and the commands it came from.

CREATE TABLE events (
    -- Gapless from 1, given by the writer in commit order.
    position       INTEGER PRIMARY KEY,
    event_id       BLOB    NOT NULL CHECK (length(event_id) = 16),
    stream         TEXT    NOT NULL,
    revision       INTEGER NOT NULL CHECK (revision >= 0),
    type           TEXT    NOT NULL,
    schema_version INTEGER NOT NULL CHECK (schema_version >= 0),
    -- Microseconds since 1970, UTC.
    recorded_at    INTEGER NOT NULL,
    command_id     BLOB    NOT NULL CHECK (length(command_id) = 16),
    -- JSON: who asked, and why.
    metadata       TEXT    NOT NULL,
    -- JSON, the very bytes that were appended.
    payload        BLOB    NOT NULL,
    UNIQUE (stream, revision)
) STRICT;

CREATE UNIQUE INDEX events_by_id ON events (event_id);

CREATE TABLE commands (
    command_id     BLOB    NOT NULL PRIMARY KEY CHECK (length(command_id) = 16),
    fingerprint    BLOB    NOT NULL CHECK (length(fingerprint) = 32),
    first_position INTEGER NOT NULL,
    last_position  INTEGER NOT NULL CHECK (last_position >= first_position),
    stream         TEXT    NOT NULL,
    -- The stream's revision after it.
    revision       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- INSERT OR REPLACE deletes without firing a DELETE trigger, so an insert that would collide is
-- refused before it can.
CREATE TRIGGER events_take_the_next_position BEFORE INSERT ON events
WHEN NEW.position IS NOT (SELECT coalesce(max(position), 0) + 1 FROM events)
    OR EXISTS (SELECT 1 FROM events WHERE event_id = NEW.event_id)
    OR EXISTS (SELECT 1 FROM events WHERE stream = NEW.stream AND revision = NEW.revision)
BEGIN
    SELECT raise(ABORT, 'an event takes the next position and a new id and revision');
END;

CREATE TRIGGER events_are_never_updated BEFORE UPDATE ON events
BEGIN
    SELECT raise(ABORT, 'the event log is append-only');
END;

CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
BEGIN
    SELECT raise(ABORT, 'the event log is append-only');
END;

CREATE TRIGGER commands_are_recorded_once BEFORE INSERT ON commands
WHEN EXISTS (SELECT 1 FROM commands WHERE command_id = NEW.command_id)
BEGIN
    SELECT raise(ABORT, 'a command is recorded once');
END;

CREATE TRIGGER commands_are_never_updated BEFORE UPDATE ON commands
BEGIN
    SELECT raise(ABORT, 'the event log is append-only');
END;

CREATE TRIGGER commands_are_never_deleted BEFORE DELETE ON commands
BEGIN
    SELECT raise(ABORT, 'the event log is append-only');
END;
