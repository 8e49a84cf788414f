-- additive: tables of their own, which the previous release ignores.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    action  TEXT NOT NULL,
    -- Who: a user, or 'operator'.
    actor   TEXT,
    -- Whose, or which: a user, a session, a key.
    subject TEXT,
    -- From where: an IPv4 address, or an IPv6 network of 64 bits.
    network TEXT,
    result  TEXT NOT NULL,
    -- How often, within a minute.
    count   INTEGER NOT NULL CHECK (count > 0)
) STRICT;
CREATE INDEX audit_by_time ON audit (at);

-- Rows from before this time may be deleted.
CREATE TABLE audit_retention (
    id     INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    before INTEGER NOT NULL
) STRICT;
INSERT INTO audit_retention VALUES (1, 0);

CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN
    SELECT raise(ABORT, 'the audit log is append-only');
END;
-- REPLACE deletes without the trigger of deletions (https://sqlite.org/lang_conflict.html).
CREATE TRIGGER audit_is_never_replaced BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
BEGIN
    SELECT raise(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_is_retained BEFORE DELETE ON audit
WHEN OLD.at >= (SELECT before FROM audit_retention)
BEGIN
    SELECT raise(ABORT, 'the audit log is append-only');
END;
