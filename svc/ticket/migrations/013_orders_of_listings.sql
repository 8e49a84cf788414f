-- additive: a table. The previous release does not write it: orders that it has received are added when they change, or when the
-- order service publishes them again.

-- The newest state of each order as its seller sees it, by listing, in the order in which they were placed (ids sort by time).
CREATE TABLE listing_order (
    ticket_id TEXT NOT NULL CHECK (length(ticket_id) = 36),
    order_id TEXT NOT NULL CHECK (length(order_id) = 36),
    version INTEGER NOT NULL CHECK (version >= 1),
    buyer_id TEXT NOT NULL CHECK (length(buyer_id) = 36),
    state TEXT NOT NULL CHECK (
        state IN ('created', 'awaiting:payment', 'complete', 'partially_refunded', 'refunded', 'cancelled')
    ),
    disputed INTEGER NOT NULL CHECK (disputed IN (0, 1)),
    quantity INTEGER NOT NULL CHECK (quantity >= 1),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    amount INTEGER NOT NULL CHECK (amount >= 0),
    refunded_quantity INTEGER NOT NULL CHECK (refunded_quantity BETWEEN 0 AND quantity),
    refunded_amount INTEGER NOT NULL CHECK (refunded_amount >= 0),
    PRIMARY KEY (ticket_id, order_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX listing_order_by_state ON listing_order (ticket_id, state, order_id);
