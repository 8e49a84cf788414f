-- The deadline of each order that was ever heard of. Rows are never deleted: the row of an ended order is what keeps a
-- late order.created from starting its timer again.
CREATE TABLE timer (
    order_id TEXT PRIMARY KEY CHECK (length(order_id) = 36),
    buyer_id TEXT NOT NULL CHECK (length(buyer_id) = 36),
    -- Milliseconds since 1970.
    deadline INTEGER NOT NULL,
    -- The newest state of the order that was heard of.
    order_version INTEGER NOT NULL CHECK (order_version >= 1),
    state TEXT NOT NULL CHECK (state IN ('pending', 'expired', 'stopped')),
    -- The order's status that stopped the timer.
    stopped_by TEXT CHECK (stopped_by IN ('awaiting:payment', 'complete', 'cancelled')),
    CHECK ((state = 'stopped') = (stopped_by IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- What the sweep looks through: small, however many orders there were.
CREATE INDEX timer_pending ON timer (deadline) WHERE state = 'pending';
