-- Whoever signed up.
CREATE TABLE users (
    id            TEXT NOT NULL PRIMARY KEY,
    -- As it was typed, for showing.
    email         TEXT NOT NULL,
    -- The same for every spelling of one address: see email.rs.
    email_key     TEXT NOT NULL UNIQUE,
    -- PHC string format: algorithm, parameters, salt, hash.
    password_hash TEXT NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
    created_at    INTEGER NOT NULL
) STRICT;

-- A signed-in device. Its refresh tokens are one family: each is good once, for the next.
CREATE TABLE sessions (
    id           TEXT NOT NULL PRIMARY KEY,
    user_id      TEXT NOT NULL REFERENCES users (id),
    -- How often it was refreshed; only the token of this generation is good.
    generation   INTEGER NOT NULL CHECK (generation >= 0),
    -- SHA-256 of that token.
    refresh_hash BLOB NOT NULL CHECK (length(refresh_hash) = 32),
    started_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL CHECK (expires_at > started_at),
    ended_at     INTEGER,
    end_reason   TEXT CHECK (end_reason IN ('signed-out', 'refresh-reused')),
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_end ON sessions (coalesce(ended_at, expires_at));

-- Which sign-up an Idempotency-Key stands for. What was answered is not stored, because it holds tokens: it is made
-- again from the session, the key that signed and the time, all of which it depends on.
CREATE TABLE sign_up_keys (
    key        TEXT NOT NULL PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id),
    kid        TEXT NOT NULL,
    at         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_up_keys_by_age ON sign_up_keys (at);
CREATE INDEX sign_up_keys_by_session ON sign_up_keys (session_id);

-- Ed25519 keys for access tokens. One signs; those before it verify until their tokens are over.
CREATE TABLE signing_keys (
    kid        TEXT NOT NULL PRIMARY KEY,
    seed       BLOB NOT NULL CHECK (length(seed) = 32),
    created_at INTEGER NOT NULL,
    retired_at INTEGER CHECK (retired_at >= created_at)
) STRICT;
CREATE UNIQUE INDEX one_key_signs ON signing_keys ((1)) WHERE retired_at IS NULL;

-- The key that refresh tokens are made with: one row.
CREATE TABLE refresh_key (
    id   INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    seed BLOB NOT NULL CHECK (length(seed) = 32)
) STRICT;
