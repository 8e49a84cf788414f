-- Every object of the API as the JSON that the API shows; `inner` is what it never shows (a test card's number, a
-- signing secret). `seq` is the order of creation, by which lists are sorted.
CREATE TABLE IF NOT EXISTS object (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    id      TEXT NOT NULL UNIQUE,
    kind    TEXT NOT NULL,
    body    TEXT NOT NULL CHECK (json_valid(body)),
    inner   TEXT CHECK (inner IS NULL OR json_valid(inner))
) STRICT;
CREATE INDEX IF NOT EXISTS object_by_kind ON object (kind, seq);
CREATE INDEX IF NOT EXISTS object_by_intent ON object (kind, body ->> '$.payment_intent', seq);

-- The response to the first request of each idempotency key.
CREATE TABLE IF NOT EXISTS idempotency (
    key         TEXT PRIMARY KEY,
    endpoint    TEXT NOT NULL,
    parameters  TEXT NOT NULL,
    request_id  TEXT NOT NULL,
    status      INTEGER NOT NULL,
    body        TEXT NOT NULL,
    created     INTEGER NOT NULL
) STRICT;

-- Requests and their responses, without secrets.
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

-- Scheduled effects, such as the failure of a refund some time after its creation.
CREATE TABLE IF NOT EXISTS later (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    what    TEXT NOT NULL,
    object  TEXT NOT NULL
) STRICT;

-- Deliveries of events to webhook endpoints. A repeated delivery is another row.
CREATE TABLE IF NOT EXISTS delivery (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    event     TEXT NOT NULL,
    endpoint  TEXT NOT NULL,
    attempts  INTEGER NOT NULL DEFAULT 0,
    state     TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed'))
) STRICT;
CREATE INDEX IF NOT EXISTS delivery_pending ON delivery (id) WHERE state = 'pending';
