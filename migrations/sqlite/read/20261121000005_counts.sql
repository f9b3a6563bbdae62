-- What a list of brokers counts, without reading all that is counted.
ALTER TABLE connections ADD COLUMN topics INTEGER NOT NULL DEFAULT 0;

CREATE INDEX listeners_enabled ON listeners (connection, topic) WHERE enabled = 1;
CREATE INDEX publishers_enabled ON publishers (connection, topic) WHERE enabled = 1;
