-- additive: a column that may be null. A release that does not set it ends the session at the second use of a token, as before.
-- When the refresh token was exchanged last: its predecessor is accepted a little longer.
ALTER TABLE sessions ADD COLUMN refreshed_at INTEGER;
