-- additive: a table of its own, which the previous release ignores. It accepts orders and listings of accounts that are being
-- deleted while it is back after a failed update. Auth asks twice, and again at each of its starts: they prevent the deletion.
-- The accounts whose deletion was requested at some time, by the newest of their states. Others are not in it.
CREATE TABLE account_closure (
    user_id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL CHECK (version >= 1),
    status  TEXT NOT NULL CHECK (status IN ('active', 'closing', 'deleted'))
) STRICT, WITHOUT ROWID;
