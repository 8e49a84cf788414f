-- additive: a column that may be null, an index, and fewer stored responses.

-- Counts the responses of a client, so that the oldest beyond a bound are found. NULL in rows of an older release.
ALTER TABLE idempotency ADD COLUMN number INTEGER;
CREATE INDEX idempotency_by_client ON idempotency (client, number);

-- Earlier releases stored refusals, too. A refusal is computed again.
DELETE FROM idempotency WHERE status >= 400;
