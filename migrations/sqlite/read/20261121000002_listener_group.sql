-- The consumer group that holds the listener's position on the broker, a UUID.
ALTER TABLE listeners ADD COLUMN consumer_group TEXT NOT NULL DEFAULT '';
