-- How many orders there are in each state, and how many tickets they stand for. Kept by triggers: no statement can forget
-- it, and to know it does not cost more with every order.
CREATE TABLE tally (
    status  TEXT NOT NULL,
    -- Why they were cancelled; empty for those that were not.
    reason  TEXT NOT NULL,
    orders  INTEGER NOT NULL CHECK (orders >= 0),
    tickets INTEGER NOT NULL CHECK (tickets >= 0),
    PRIMARY KEY (status, reason)
) STRICT, WITHOUT ROWID;

INSERT INTO tally (status, reason, orders, tickets)
SELECT status, coalesce(cancel_reason, ''), count(*), sum(quantity) FROM "order" GROUP BY 1, 2;

CREATE TRIGGER order_counted AFTER INSERT ON "order"
BEGIN
    INSERT INTO tally (status, reason, orders, tickets)
    VALUES (NEW.status, coalesce(NEW.cancel_reason, ''), 1, NEW.quantity)
    ON CONFLICT (status, reason) DO UPDATE SET orders = orders + 1, tickets = tickets + excluded.tickets;
END;

CREATE TRIGGER order_counted_anew AFTER UPDATE OF status ON "order" WHEN OLD.status <> NEW.status
BEGIN
    UPDATE tally SET orders = orders - 1, tickets = tickets - OLD.quantity
    WHERE status = OLD.status AND reason = coalesce(OLD.cancel_reason, '');
    INSERT INTO tally (status, reason, orders, tickets)
    VALUES (NEW.status, coalesce(NEW.cancel_reason, ''), 1, NEW.quantity)
    ON CONFLICT (status, reason) DO UPDATE SET orders = orders + 1, tickets = tickets + excluded.tickets;
END;

-- Which of the open orders should have ended first.
CREATE INDEX order_open_by_deadline ON "order" (expires_at) WHERE status = 'created';
