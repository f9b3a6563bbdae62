-- An event's id is a hash of its command's id and of its place in what the command appended, which
-- the writer checks, and a command is recorded once. So no two events share an id, and an index to
-- see to it would only make every append write one more page, at random.

DROP INDEX events_by_id;

DROP TRIGGER events_take_the_next_position;

CREATE TRIGGER events_take_the_next_position BEFORE INSERT ON events
WHEN NEW.position IS NOT (SELECT coalesce(max(position), 0) + 1 FROM events)
    OR EXISTS (SELECT 1 FROM events WHERE stream = NEW.stream AND revision = NEW.revision)
BEGIN
    SELECT raise(ABORT, 'an event takes the next position and a new revision');
END;
