-- How many payments there are in each state. Kept by triggers: no statement can forget it, and to know it does not cost
-- more with every payment.
CREATE TABLE tally (
    status   TEXT PRIMARY KEY,
    payments INTEGER NOT NULL CHECK (payments >= 0)
) STRICT, WITHOUT ROWID;

INSERT INTO tally (status, payments) SELECT status, count(*) FROM payment GROUP BY status;

CREATE TRIGGER payment_counted AFTER INSERT ON payment
BEGIN
    INSERT INTO tally (status, payments) VALUES (NEW.status, 1)
    ON CONFLICT (status) DO UPDATE SET payments = payments + 1;
END;

CREATE TRIGGER payment_counted_anew AFTER UPDATE OF status ON payment WHEN OLD.status <> NEW.status
BEGIN
    UPDATE tally SET payments = payments - 1 WHERE status = OLD.status;
    INSERT INTO tally (status, payments) VALUES (NEW.status, 1)
    ON CONFLICT (status) DO UPDATE SET payments = payments + 1;
END;

CREATE INDEX payment_in_trouble ON payment (id) WHERE trouble IS NOT NULL;

-- The newest step of the trace in which the order came (W3C traceparent): whatever is done about paying it belongs there.
ALTER TABLE bill ADD COLUMN traceparent TEXT;
