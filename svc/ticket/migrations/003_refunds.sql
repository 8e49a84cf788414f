-- additive: columns that have a default. What the release before writes leaves them be.

-- On which terms buyers give tickets back: until when without the seller being asked, and whether those are sold again.
ALTER TABLE listing ADD COLUMN refundable_until INTEGER;
ALTER TABLE listing ADD COLUMN resell_refunded INTEGER NOT NULL DEFAULT 1 CHECK (resell_refunded IN (0, 1));

-- How many tickets of an order were given back and are on sale again: these are no longer sold.
ALTER TABLE hold ADD COLUMN returned INTEGER NOT NULL DEFAULT 0
    CHECK (returned BETWEEN 0 AND quantity) CHECK (returned = 0 OR status = 'complete');

DROP TRIGGER hold_counted;
CREATE TRIGGER hold_counted AFTER INSERT ON hold
BEGIN
    INSERT INTO stock (ticket_id, held, sold) VALUES (NEW.ticket_id, NEW.held, NEW.sold - NEW.returned)
    ON CONFLICT (ticket_id) DO UPDATE SET held = held + excluded.held, sold = sold + excluded.sold;
END;

DROP TRIGGER hold_counted_anew;
CREATE TRIGGER hold_counted_anew AFTER UPDATE ON hold
BEGIN
    UPDATE stock SET held = held - OLD.held, sold = sold - (OLD.sold - OLD.returned) WHERE ticket_id = OLD.ticket_id;
    INSERT INTO stock (ticket_id, held, sold) VALUES (NEW.ticket_id, NEW.held, NEW.sold - NEW.returned)
    ON CONFLICT (ticket_id) DO UPDATE SET held = held + excluded.held, sold = sold + excluded.sold;
END;
