-- additive: a column that may be null, tables that triggers keep, and an index. The previous release writes orders as before.

-- The maximum number of tickets of one buyer, set by the seller; null for the marketplace's.
ALTER TABLE listing ADD COLUMN max_per_buyer INTEGER CHECK (max_per_buyer > 0);

-- The number of unpaid orders of each buyer. Triggers maintain it, so that a hold reads one row, however many orders a
-- buyer has.
CREATE TABLE buyer_open_orders (
    buyer_id TEXT PRIMARY KEY,
    orders   INTEGER NOT NULL CHECK (orders >= 0)
) STRICT, WITHOUT ROWID;

-- The number of tickets of a listing that each buyer holds or has bought, without those that are on sale again.
CREATE TABLE buyer_tickets (
    ticket_id TEXT NOT NULL,
    buyer_id  TEXT NOT NULL,
    tickets   INTEGER NOT NULL CHECK (tickets >= 0),
    PRIMARY KEY (ticket_id, buyer_id)
) STRICT, WITHOUT ROWID;

INSERT INTO buyer_open_orders (buyer_id, orders)
SELECT buyer_id, count(*) FROM "order" WHERE status = 'created' GROUP BY buyer_id;

INSERT INTO buyer_tickets (ticket_id, buyer_id, tickets)
SELECT ticket_id, buyer_id, sum(quantity - returned_quantity) FROM "order" WHERE status <> 'cancelled' GROUP BY 1, 2;

CREATE TRIGGER buyer_counted AFTER INSERT ON "order"
BEGIN
    INSERT INTO buyer_open_orders (buyer_id, orders) SELECT NEW.buyer_id, 1 WHERE NEW.status = 'created'
    ON CONFLICT (buyer_id) DO UPDATE SET orders = orders + 1;
    INSERT INTO buyer_tickets (ticket_id, buyer_id, tickets)
    SELECT NEW.ticket_id, NEW.buyer_id, NEW.quantity - NEW.returned_quantity WHERE NEW.status <> 'cancelled'
    ON CONFLICT (ticket_id, buyer_id) DO UPDATE SET tickets = tickets + excluded.tickets;
END;

CREATE TRIGGER buyer_open_orders_updated AFTER UPDATE OF status ON "order"
WHEN (OLD.status = 'created') <> (NEW.status = 'created')
BEGIN
    UPDATE buyer_open_orders SET orders = orders - 1 WHERE buyer_id = OLD.buyer_id AND OLD.status = 'created';
    INSERT INTO buyer_open_orders (buyer_id, orders) SELECT NEW.buyer_id, 1 WHERE NEW.status = 'created'
    ON CONFLICT (buyer_id) DO UPDATE SET orders = orders + 1;
END;

CREATE TRIGGER buyer_tickets_updated AFTER UPDATE OF status, returned_quantity ON "order"
WHEN (OLD.status = 'cancelled') <> (NEW.status = 'cancelled') OR OLD.returned_quantity <> NEW.returned_quantity
BEGIN
    UPDATE buyer_tickets SET tickets = tickets - (OLD.quantity - OLD.returned_quantity)
    WHERE ticket_id = OLD.ticket_id AND buyer_id = OLD.buyer_id AND OLD.status <> 'cancelled';
    INSERT INTO buyer_tickets (ticket_id, buyer_id, tickets)
    SELECT NEW.ticket_id, NEW.buyer_id, NEW.quantity - NEW.returned_quantity WHERE NEW.status <> 'cancelled'
    ON CONFLICT (ticket_id, buyer_id) DO UPDATE SET tickets = tickets + excluded.tickets;
END;

-- The orders of a buyer and a listing that ended unpaid, by the time of their end.
CREATE INDEX order_unpaid_by_buyer ON "order" (ticket_id, buyer_id, updated_at) WHERE cancel_reason IN ('user', 'expired');
