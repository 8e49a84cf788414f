-- What the ticket service says of a listing, and how much of it is taken: the one row that decides who gets a ticket.
CREATE TABLE listing (
    id                   TEXT PRIMARY KEY,
    version              INTEGER NOT NULL CHECK (version > 0),
    seller_id            TEXT NOT NULL,
    title                TEXT NOT NULL,
    amount               INTEGER NOT NULL CHECK (amount >= 0),
    currency             TEXT NOT NULL,
    starts_at            INTEGER,
    order_window_seconds INTEGER CHECK (order_window_seconds > 0),
    withdrawn_at         INTEGER,
    -- How many the seller wants to sell in all.
    wanted               INTEGER NOT NULL CHECK (wanted > 0),
    -- How many there are: never fewer than are taken, even if the seller wants fewer by now.
    quantity             INTEGER NOT NULL CHECK (quantity >= wanted),
    held                 INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0),
    sold                 INTEGER NOT NULL DEFAULT 0 CHECK (sold >= 0),
    CONSTRAINT never_oversold CHECK (held + sold <= quantity)
) STRICT;

CREATE TABLE "order" (
    id            TEXT PRIMARY KEY,
    version       INTEGER NOT NULL CHECK (version > 0),
    status        TEXT NOT NULL CHECK (status IN ('created', 'awaiting:payment', 'complete', 'cancelled')),
    cancel_reason TEXT CHECK (cancel_reason IN ('user', 'expired', 'payment-failed', 'ticket-withdrawn')),
    buyer_id      TEXT NOT NULL,
    seller_id     TEXT NOT NULL,
    ticket_id     TEXT NOT NULL REFERENCES listing (id),
    -- The listing as it was when the order was placed.
    title         TEXT NOT NULL,
    amount        INTEGER NOT NULL CHECK (amount >= 0),
    currency      TEXT NOT NULL,
    quantity      INTEGER NOT NULL CHECK (quantity > 0),
    expires_at    INTEGER NOT NULL,
    payment_id    TEXT,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    CHECK (buyer_id <> seller_id),
    CHECK ((status = 'cancelled') = (cancel_reason IS NOT NULL)),
    CHECK (status NOT IN ('awaiting:payment', 'complete') OR payment_id IS NOT NULL)
) STRICT;

CREATE INDEX order_by_buyer ON "order" (buyer_id, id);
CREATE INDEX order_by_buyer_and_status ON "order" (buyer_id, status, id);
CREATE INDEX order_open_by_ticket ON "order" (ticket_id) WHERE status = 'created';
