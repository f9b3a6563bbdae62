-- What a list of brokers counts, without reading all that is counted.
ALTER TABLE brokers ADD COLUMN topics INTEGER NOT NULL DEFAULT 0;

CREATE INDEX listeners_enabled ON listeners (broker, topic) WHERE enabled = 1;
CREATE INDEX publishers_enabled ON publishers (broker, topic) WHERE enabled = 1;
