-- additive: tables of their own and a column that may be null. The previous release signs users in without their second factor
-- while it is back after a failed update.
CREATE TABLE second_factors (
    user_id    TEXT NOT NULL PRIMARY KEY REFERENCES users (id),
    -- The secret, encrypted: see domain/second_factor.rs.
    sealed     BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    -- When a code confirmed it; null until then.
    enabled_at INTEGER,
    -- The time step of the last code that was used: it and those before it are refused.
    last_step  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Unused recovery codes: they are deleted when they are used.
CREATE TABLE recovery_codes (
    user_id   TEXT NOT NULL REFERENCES second_factors (user_id) ON DELETE CASCADE,
    -- SHA-256: a code has 80 random bits.
    code_hash BLOB NOT NULL CHECK (length(code_hash) = 32),
    PRIMARY KEY (user_id, code_hash)
) STRICT, WITHOUT ROWID;

-- When the user of the session proved a second factor.
ALTER TABLE sessions ADD COLUMN second_factor_at INTEGER;
