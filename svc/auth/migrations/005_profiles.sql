-- additive: columns that may be null or have a default, and an index. The previous release neither shows nor publishes them.
-- The name to print on tickets.
ALTER TABLE users ADD COLUMN name TEXT CHECK (length(name) BETWEEN 1 AND 100);
-- The language of mails.
ALTER TABLE users ADD COLUMN language TEXT NOT NULL DEFAULT 'en' CHECK (language IN ('en', 'de'));
-- When the address was confirmed.
ALTER TABLE users ADD COLUMN email_confirmed_at INTEGER;
-- Counts the states of the account that are published.
ALTER TABLE users ADD COLUMN version INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1);
-- When this state began; null in rows of earlier releases: at the creation.
ALTER TABLE users ADD COLUMN updated_at INTEGER;
