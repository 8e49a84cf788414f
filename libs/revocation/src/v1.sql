-- additive: a table of its own, which the previous release ignores.
-- The access tokens that are refused although they have not expired: those of a session, or of a key.
CREATE TABLE denied_tokens (
    kind  TEXT NOT NULL CHECK (kind IN ('session', 'key')),
    id    TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX denied_tokens_by_end ON denied_tokens (until);
