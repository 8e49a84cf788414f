-- additive: a column that may be null, and an index.

-- Counts the responses of a client, so that the oldest beyond a bound are found. NULL in rows of an older release.
ALTER TABLE idempotency ADD COLUMN number INTEGER;
CREATE INDEX idempotency_by_client ON idempotency (client, number);
