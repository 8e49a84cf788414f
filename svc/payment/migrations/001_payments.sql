-- A replica: the newest state of each order that was heard of, as far as paying for it goes.
CREATE TABLE bill (
    order_id TEXT PRIMARY KEY CHECK (length(order_id) = 36),
    version INTEGER NOT NULL CHECK (version >= 1),
    status TEXT NOT NULL CHECK (status IN ('created', 'awaiting:payment', 'complete', 'cancelled')),
    cancel_reason TEXT CHECK (cancel_reason IN ('user', 'expired', 'payment-failed', 'ticket-withdrawn')),
    buyer_id TEXT NOT NULL CHECK (length(buyer_id) = 36),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    -- Minor units of the currency, for all tickets of the order.
    amount INTEGER NOT NULL CHECK (amount >= 0),
    expires_at INTEGER NOT NULL,
    -- The payment that the order was confirmed with; it may be unknown here after a restore from an older backup.
    payment_id TEXT CHECK (length(payment_id) = 36)
) STRICT, WITHOUT ROWID;

-- Every attempt to pay, written before Stripe is asked. Rows are never deleted.
CREATE TABLE payment (
    id TEXT PRIMARY KEY CHECK (length(id) = 36),
    order_id TEXT NOT NULL REFERENCES bill (order_id),
    buyer_id TEXT NOT NULL CHECK (length(buyer_id) = 36),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    amount INTEGER NOT NULL CHECK (amount > 0),
    -- What the buyer pays with: a token or a payment method of Stripe, of no use to anybody else.
    token TEXT NOT NULL CHECK (token GLOB 'tok_*' OR token GLOB 'pm_*'),
    status TEXT NOT NULL
        CHECK (status IN ('started', 'authorized', 'capturing', 'captured', 'voiding', 'voided', 'failed')),
    -- Stripe's payment intent, once it is known.
    intent_id TEXT UNIQUE,
    failure_kind TEXT CHECK (failure_kind IN ('declined', 'bad-token', 'refused', 'lapsed', 'lost')),
    failure_code TEXT,
    failure_message TEXT,
    -- Why a person has to look at it: nothing more is done about it until this is NULL again.
    trouble TEXT,
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL CHECK (updated_at >= created_at),
    -- How often Stripe was asked for the next state and gave no answer, and when it is asked again.
    tries INTEGER NOT NULL CHECK (tries >= 0),
    next_try_at INTEGER NOT NULL,
    -- The request that started it.
    idempotency_key TEXT,
    fingerprint BLOB,
    CHECK (intent_id IS NOT NULL OR status IN ('started', 'failed')),
    CHECK ((status = 'failed') = (failure_kind IS NOT NULL)),
    CHECK ((failure_kind IS NULL) = (failure_code IS NULL) AND (failure_kind IS NULL) = (failure_message IS NULL)),
    CHECK ((idempotency_key IS NULL) = (fingerprint IS NULL))
) STRICT;

-- Two buyers' clicks, two tabs, two requests: one of them pays.
CREATE UNIQUE INDEX one_live_attempt ON payment (order_id)
WHERE status IN ('started', 'authorized', 'capturing', 'captured');

CREATE UNIQUE INDEX one_attempt_per_key ON payment (buyer_id, idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE INDEX unsettled ON payment (next_try_at)
WHERE status IN ('started', 'capturing', 'voiding') AND trouble IS NULL;

CREATE INDEX payment_by_order ON payment (order_id);
CREATE INDEX payment_by_buyer ON payment (buyer_id, id);
