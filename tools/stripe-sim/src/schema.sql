-- Every object of the API as the JSON that it is shown as; `inner` is what the API never shows (a test card's number,
-- a signing secret). `seq` is the order of creation, which lists go by.
CREATE TABLE IF NOT EXISTS object (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    id      TEXT NOT NULL UNIQUE,
    kind    TEXT NOT NULL,
    body    TEXT NOT NULL CHECK (json_valid(body)),
    inner   TEXT CHECK (inner IS NULL OR json_valid(inner))
) STRICT;
CREATE INDEX IF NOT EXISTS object_by_kind ON object (kind, seq);
CREATE INDEX IF NOT EXISTS object_by_intent ON object (kind, body ->> '$.payment_intent', seq);

-- The answer to the first request of each idempotency key.
CREATE TABLE IF NOT EXISTS idempotency (
    key         TEXT PRIMARY KEY,
    endpoint    TEXT NOT NULL,
    parameters  TEXT NOT NULL,
    request_id  TEXT NOT NULL,
    status      INTEGER NOT NULL,
    body        TEXT NOT NULL,
    created     INTEGER NOT NULL
) STRICT;

-- What was asked and what was answered, without anything secret.
CREATE TABLE IF NOT EXISTS journal (
    seq              INTEGER PRIMARY KEY AUTOINCREMENT,
    request_id       TEXT NOT NULL,
    at               INTEGER NOT NULL,
    method           TEXT NOT NULL,
    path             TEXT NOT NULL,
    idempotency_key  TEXT,
    status           INTEGER,
    executed         INTEGER NOT NULL CHECK (executed IN (0, 1)),
    fault            TEXT
) STRICT;

-- What is still to happen by itself, such as a refund that fails some time after it was made.
CREATE TABLE IF NOT EXISTS later (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    what    TEXT NOT NULL,
    object  TEXT NOT NULL
) STRICT;

-- Which event is still to be told to which webhook endpoint. Telling it once more is another row.
CREATE TABLE IF NOT EXISTS delivery (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    event     TEXT NOT NULL,
    endpoint  TEXT NOT NULL,
    attempts  INTEGER NOT NULL DEFAULT 0,
    state     TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed'))
) STRICT;
CREATE INDEX IF NOT EXISTS delivery_pending ON delivery (id) WHERE state = 'pending';
