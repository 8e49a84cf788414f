-- additive: a new table, and an index.

-- A door at which helpers admit people: its token may check in at one listing.
CREATE TABLE door (
    row INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE CHECK (length(id) = 36),
    ticket_id TEXT NOT NULL CHECK (length(ticket_id) = 36),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    -- The SHA-256 of the token.
    token_hash BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    -- The SHA-256 of the key of the request that created it; null without one.
    request_hash BLOB UNIQUE CHECK (length(request_hash) = 32),
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

CREATE INDEX door_of_ticket ON door (ticket_id, row) WHERE revoked_at IS NULL;

-- Who was admitted, the last one first.
CREATE INDEX admission_used_of_ticket ON admission (ticket_id, used_at, row) WHERE used_at IS NOT NULL;
