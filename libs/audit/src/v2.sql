-- additive: a table and an index of their own, which the previous release ignores.
CREATE INDEX audit_by_actor ON audit (actor, action, at);

-- What was not recorded one by one, because it was repeated too often: its number, by the hour.
CREATE TABLE audit_counts (
    hour   INTEGER NOT NULL CHECK (hour % 3600000 = 0),
    action TEXT    NOT NULL,
    -- As in the table audit; empty if it is not known.
    actor  TEXT    NOT NULL,
    result TEXT    NOT NULL,
    count  INTEGER NOT NULL CHECK (count > 0),
    PRIMARY KEY (hour, action, actor, result)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER audit_counts_only_grow BEFORE UPDATE ON audit_counts
WHEN (NEW.hour, NEW.action, NEW.actor, NEW.result) <> (OLD.hour, OLD.action, OLD.actor, OLD.result) OR NEW.count < OLD.count
BEGIN
    SELECT raise(ABORT, 'the audit log is append-only');
END;
-- REPLACE deletes without the trigger of deletions (https://sqlite.org/lang_conflict.html).
CREATE TRIGGER audit_counts_are_never_replaced BEFORE INSERT ON audit_counts
WHEN EXISTS (SELECT 1 FROM audit_counts
             WHERE (hour, action, actor, result) = (NEW.hour, NEW.action, NEW.actor, NEW.result))
BEGIN
    SELECT raise(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_counts_are_retained BEFORE DELETE ON audit_counts
WHEN OLD.hour + 3600000 > (SELECT before FROM audit_retention)
BEGIN
    SELECT raise(ABORT, 'the audit log is append-only');
END;
