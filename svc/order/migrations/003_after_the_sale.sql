-- additive: columns that have a default, tables of their own, and an index. What the release before writes leaves them be.

-- On which terms buyers give tickets back.
ALTER TABLE listing ADD COLUMN refundable_until INTEGER;
ALTER TABLE listing ADD COLUMN resell_refunded INTEGER NOT NULL DEFAULT 1 CHECK (resell_refunded IN (0, 1));

-- The attempt that is under way, while the order is created: with it, the deadline is moved once.
ALTER TABLE "order" ADD COLUMN pending_payment_id TEXT;
ALTER TABLE "order" ADD COLUMN extended_at INTEGER;
-- As the listing said it when the order was placed.
ALTER TABLE "order" ADD COLUMN refundable_until INTEGER;
-- How many of its tickets went back or may go back, by its refunds that are neither declined nor failed.
ALTER TABLE "order" ADD COLUMN claimed_quantity INTEGER NOT NULL DEFAULT 0
    CONSTRAINT never_refunded_twice CHECK (claimed_quantity BETWEEN 0 AND quantity);
-- How many went back, and how many of those are on sale again.
ALTER TABLE "order" ADD COLUMN refunded_quantity INTEGER NOT NULL DEFAULT 0
    CHECK (refunded_quantity BETWEEN 0 AND quantity);
ALTER TABLE "order" ADD COLUMN returned_quantity INTEGER NOT NULL DEFAULT 0
    CHECK (returned_quantity BETWEEN 0 AND refunded_quantity);
-- What the payment service says of the money, and in which version of the payment.
ALTER TABLE "order" ADD COLUMN refunded_amount INTEGER NOT NULL DEFAULT 0 CHECK (refunded_amount >= 0);
ALTER TABLE "order" ADD COLUMN dispute_status TEXT CHECK (dispute_status IN ('open', 'won', 'lost'));
ALTER TABLE "order" ADD COLUMN dispute_amount INTEGER CHECK ((dispute_amount IS NULL) = (dispute_status IS NULL));
ALTER TABLE "order" ADD COLUMN payment_version INTEGER;

CREATE INDEX order_sold_by_ticket ON "order" (ticket_id, id) WHERE status IN ('awaiting:payment', 'complete');

-- Tickets of one order that go back. Rows are never deleted.
CREATE TABLE refund (
    id              TEXT PRIMARY KEY,
    version         INTEGER NOT NULL CHECK (version > 0),
    status          TEXT NOT NULL CHECK (status IN ('requested', 'approved', 'declined', 'paid', 'failed')),
    order_id        TEXT NOT NULL REFERENCES "order" (id),
    -- The order's, to find by.
    seller_id       TEXT NOT NULL,
    quantity        INTEGER NOT NULL CHECK (quantity > 0),
    amount          INTEGER NOT NULL CHECK (amount >= 0),
    asked_by        TEXT NOT NULL CHECK (asked_by IN ('buyer', 'seller', 'withdrawal')),
    reason          TEXT CHECK (length(reason) BETWEEN 1 AND 500),
    failure         TEXT,
    returned        INTEGER NOT NULL CHECK (returned IN (0, 1)),
    payment_version INTEGER,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    claimed         INTEGER GENERATED ALWAYS AS (iif(status IN ('requested', 'approved', 'paid'), quantity, 0)) VIRTUAL,
    CHECK (returned = 0 OR status = 'paid')
) STRICT;

CREATE INDEX refund_by_order ON refund (order_id, id);
CREATE INDEX refund_by_seller ON refund (seller_id, id);
CREATE INDEX refund_by_seller_and_status ON refund (seller_id, status, id);
CREATE INDEX refund_open ON refund (status, updated_at) WHERE status IN ('requested', 'approved');

CREATE TRIGGER refund_claimed AFTER INSERT ON refund
BEGIN
    UPDATE "order" SET claimed_quantity = claimed_quantity + NEW.claimed WHERE id = NEW.order_id;
END;

CREATE TRIGGER refund_claimed_anew AFTER UPDATE OF status ON refund WHEN OLD.claimed <> NEW.claimed
BEGIN
    UPDATE "order" SET claimed_quantity = claimed_quantity - OLD.claimed + NEW.claimed WHERE id = NEW.order_id;
END;

-- Withdrawn listings whose sales are to be refunded, as far as that is done: the orders up to `after`.
CREATE TABLE withdrawal (
    ticket_id TEXT PRIMARY KEY REFERENCES listing (id),
    after     TEXT NOT NULL DEFAULT '',
    done      INTEGER NOT NULL DEFAULT 0 CHECK (done IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE INDEX withdrawal_open ON withdrawal (ticket_id) WHERE done = 0;
