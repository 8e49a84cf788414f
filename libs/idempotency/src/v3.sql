-- additive: the same columns in another order of storage. The previous release reads and writes them as before.

-- Sorted by the key of the client, which is random, each response was written to a random page and moved others. Now it is
-- appended, and only the index is sorted by the key.
CREATE TABLE idempotency_by_rowid (
    operation   TEXT NOT NULL,
    client      TEXT NOT NULL,
    key         TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    status      INTEGER NOT NULL,
    headers     TEXT NOT NULL,
    body        BLOB NOT NULL,
    created_at  INTEGER NOT NULL,
    -- NULL in rows of a release before SCHEMA_V2.
    number      INTEGER
) STRICT;

INSERT INTO idempotency_by_rowid SELECT operation, client, key, fingerprint, status, headers, body, created_at, number
FROM idempotency ORDER BY created_at;

DROP TABLE idempotency;
ALTER TABLE idempotency_by_rowid RENAME TO idempotency;

CREATE UNIQUE INDEX idempotency_by_key ON idempotency (client, key, operation);
CREATE INDEX idempotency_by_age ON idempotency (created_at);
CREATE INDEX idempotency_by_client ON idempotency (client, number);
