-- additive: a table that triggers maintain, also those of the previous release's statements, and a column that may be null.

-- Captured payments without a ledger: an older release, which has none, captured them. So a start need not search all
-- payments for them.
CREATE TABLE missing_ledger (
    payment_id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

INSERT INTO missing_ledger (payment_id)
SELECT id FROM payment
WHERE status = 'captured' AND amount > 0 AND id NOT IN (SELECT payment_id FROM taking);

CREATE TRIGGER ledger_missing_of_captured AFTER UPDATE OF status ON payment
WHEN NEW.status = 'captured' AND OLD.status <> 'captured' AND NEW.amount > 0
    AND NOT EXISTS (SELECT 1 FROM taking WHERE payment_id = NEW.id)
BEGIN
    INSERT INTO missing_ledger (payment_id) VALUES (NEW.id) ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER ledger_missing_of_new AFTER INSERT ON payment WHEN NEW.status = 'captured' AND NEW.amount > 0
BEGIN
    INSERT INTO missing_ledger (payment_id) VALUES (NEW.id) ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER ledger_opened AFTER INSERT ON taking
BEGIN
    DELETE FROM missing_ledger WHERE payment_id = NEW.payment_id;
END;

CREATE TRIGGER ledger_lost AFTER DELETE ON taking
WHEN EXISTS (SELECT 1 FROM payment WHERE id = OLD.payment_id AND status = 'captured' AND amount > 0)
BEGIN
    INSERT INTO missing_ledger (payment_id) VALUES (OLD.payment_id) ON CONFLICT DO NOTHING;
END;

-- The captured funds up to this payment are scheduled for a check after a restore. NULL: all of them.
ALTER TABLE amnesia ADD COLUMN checks_after TEXT;
