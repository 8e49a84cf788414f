-- additive: tables of their own, columns that may be null, an index. The previous release does not send mails: links that were
-- mailed before can be used once this release is back.
-- Links in mails about an account. The mails have the tokens.
CREATE TABLE mail_links (
    -- SHA-256 of the token.
    token_hash BLOB NOT NULL PRIMARY KEY CHECK (length(token_hash) = 32),
    purpose    TEXT NOT NULL CHECK (purpose IN ('confirm-email', 'reset-password')),
    user_id    TEXT NOT NULL REFERENCES users (id),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX mail_links_by_user ON mail_links (user_id, purpose, expires_at);
CREATE INDEX mail_links_by_expiry ON mail_links (expires_at);

-- Sign-ups that were answered without revealing whether the address has an account. Those whose address has none become
-- accounts when it is confirmed.
CREATE TABLE pending_sign_ups (
    -- The account that it may become.
    user_id         TEXT NOT NULL PRIMARY KEY,
    email           TEXT NOT NULL,
    email_key       TEXT NOT NULL,
    password_hash   TEXT NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
    name            TEXT CHECK (length(name) BETWEEN 1 AND 100),
    language        TEXT NOT NULL CHECK (language IN ('en', 'de')),
    -- SHA-256 of the token in the newest mail; null if none was sent.
    token_hash      BLOB UNIQUE CHECK (length(token_hash) = 32),
    idempotency_key TEXT UNIQUE,
    expires_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX pending_sign_ups_by_email ON pending_sign_ups (email_key, user_id);
CREATE INDEX pending_sign_ups_by_expiry ON pending_sign_ups (expires_at);

-- Mails that were requested for an address, which may have no account. They are decided after the response.
CREATE TABLE mail_requests (
    id         INTEGER NOT NULL PRIMARY KEY,
    purpose    TEXT NOT NULL CHECK (purpose IN ('sign-up', 'confirm-email', 'reset-password')),
    email_key  TEXT NOT NULL,
    -- Of a sign-up.
    sign_up_id TEXT,
    CHECK ((purpose = 'sign-up') = (sign_up_id IS NOT NULL))
) STRICT;

-- Changes of addresses that wait until they are confirmed at both.
CREATE TABLE email_changes (
    user_id      TEXT NOT NULL PRIMARY KEY REFERENCES users (id),
    email        TEXT NOT NULL,
    email_key    TEXT NOT NULL,
    -- SHA-256 of the token that was sent to the current address, until it is used.
    approve_hash BLOB UNIQUE CHECK (length(approve_hash) = 32),
    -- SHA-256 of the token that was sent to the new address, until it is used.
    confirm_hash BLOB UNIQUE CHECK (length(confirm_hash) = 32),
    expires_at   INTEGER NOT NULL,
    CHECK (approve_hash IS NOT NULL OR confirm_hash IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX email_changes_by_expiry ON email_changes (expires_at);

-- The browser or program that has signed in.
ALTER TABLE sessions ADD COLUMN device TEXT;
-- The network from which the session was used last: an IPv4 address, or an IPv6 network of 64 bits.
ALTER TABLE sessions ADD COLUMN network TEXT;
CREATE INDEX open_sessions ON sessions (user_id, started_at) WHERE ended_at IS NULL;
