-- additive: a column with a default, an index, tables of their own. The row of a deleted account has no address: the previous
-- release signs nobody in with it. A deletion that was requested waits until this release is back.
ALTER TABLE users ADD COLUMN status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'closing', 'deleted'));

-- The newest request of each user to delete the account, until the account is deleted.
CREATE TABLE account_closures (
    user_id      TEXT NOT NULL PRIMARY KEY REFERENCES users (id),
    -- The version of the account about which the services were asked last. Decisions about it or a later one count.
    version      INTEGER NOT NULL CHECK (version >= 1),
    -- The services are asked twice: after all have agreed, once more.
    round        INTEGER NOT NULL CHECK (round IN (1, 2)),
    requested_at INTEGER NOT NULL,
    asked_at     INTEGER NOT NULL,
    -- When the request was withdrawn or, if the decisions have obstacles, refused: the account is active again.
    ended_at     INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX account_closures_open ON account_closures (asked_at) WHERE ended_at IS NULL;

-- What services have decided about a request.
CREATE TABLE closure_decisions (
    user_id   TEXT NOT NULL REFERENCES account_closures (user_id) ON DELETE CASCADE,
    service   TEXT NOT NULL CHECK (service IN ('ticket', 'order', 'payment')),
    -- What prevents the deletion, separated by spaces; empty if nothing does.
    obstacles TEXT NOT NULL,
    PRIMARY KEY (user_id, service)
) STRICT, WITHOUT ROWID;
