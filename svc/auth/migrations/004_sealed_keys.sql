-- The previous release cannot read the keys afterwards: they are no longer stored as they are. It refuses the file.
-- Overwrite what is deleted from now on, also by this script.
PRAGMA secure_delete = ON;

CREATE TABLE sealed_signing_keys (
    kid        TEXT NOT NULL PRIMARY KEY,
    -- The seed, encrypted: see domain/seal.rs.
    sealed     BLOB CHECK (length(sealed) = 69),
    -- The seed as earlier releases stored it, until the service starts.
    seed       BLOB CHECK (length(seed) = 32),
    created_at INTEGER NOT NULL,
    retired_at INTEGER CHECK (retired_at >= created_at),
    CHECK ((sealed IS NULL) <> (seed IS NULL))
) STRICT;
INSERT INTO sealed_signing_keys (kid, seed, created_at, retired_at)
SELECT kid, seed, created_at, retired_at FROM signing_keys;
DROP TABLE signing_keys;
ALTER TABLE sealed_signing_keys RENAME TO signing_keys;
CREATE UNIQUE INDEX one_key_signs ON signing_keys ((1)) WHERE retired_at IS NULL;

CREATE TABLE sealed_refresh_key (
    id     INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    sealed BLOB CHECK (length(sealed) = 69),
    seed   BLOB CHECK (length(seed) = 32),
    CHECK ((sealed IS NULL) <> (seed IS NULL))
) STRICT;
INSERT INTO sealed_refresh_key (id, seed) SELECT id, seed FROM refresh_key;
DROP TABLE refresh_key;
ALTER TABLE sealed_refresh_key RENAME TO refresh_key;
