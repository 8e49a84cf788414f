-- Payments that wait for their buyer: a card that is named to Stripe in a browser, or whose bank asks its owner. The table
-- is rebuilt, for a CHECK cannot be changed.
CREATE TABLE payment_anew (
    id TEXT PRIMARY KEY CHECK (length(id) = 36),
    order_id TEXT NOT NULL REFERENCES bill (order_id),
    buyer_id TEXT NOT NULL CHECK (length(buyer_id) = 36),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    -- Zero is paid without Stripe.
    amount INTEGER NOT NULL CHECK (amount >= 0),
    -- What the buyer pays with: a token or a payment method of Stripe, of no use to anybody else. NULL where the card is
    -- named to Stripe in the buyer's browser.
    token TEXT CHECK (token GLOB 'tok_*' OR token GLOB 'pm_*'),
    -- Where the bank's page sends the buyer when done; part of the request, which must be the same each time.
    return_url TEXT,
    status TEXT NOT NULL CHECK (
        status IN (
            'started', 'requires-payment-method', 'requires-action', 'authorized', 'capturing', 'captured', 'voiding',
            'voided', 'failed'
        )
    ),
    -- Stripe's payment intent, once it is known.
    intent_id TEXT UNIQUE,
    -- With what the buyer's browser goes on, and the page where the bank asks; only while Stripe waits for the buyer.
    client_secret TEXT,
    next_action_url TEXT,
    -- Why the last card was refused; in 'voiding' and 'failed', why the payment failed.
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
    -- When Stripe told of something that has not been looked at since.
    told_at INTEGER,
    -- The request that started it.
    idempotency_key TEXT,
    fingerprint BLOB,
    CHECK (intent_id IS NOT NULL OR amount = 0 OR status IN ('started', 'failed')),
    CHECK (status <> 'failed' OR failure_kind IS NOT NULL),
    CHECK (failure_kind IS NULL OR status IN ('requires-payment-method', 'voiding', 'failed')),
    CHECK ((failure_kind IS NULL) = (failure_code IS NULL) AND (failure_kind IS NULL) = (failure_message IS NULL)),
    CHECK (client_secret IS NULL OR status IN ('requires-payment-method', 'requires-action')),
    CHECK (next_action_url IS NULL OR client_secret IS NOT NULL),
    CHECK (return_url IS NULL OR token IS NOT NULL),
    CHECK (told_at IS NULL OR status <> 'captured'),
    CHECK ((idempotency_key IS NULL) = (fingerprint IS NULL))
) STRICT;

INSERT INTO payment_anew (
    id, order_id, buyer_id, currency, amount, token, status, intent_id, failure_kind, failure_code, failure_message,
    trouble, version, created_at, updated_at, tries, next_try_at, idempotency_key, fingerprint
)
SELECT
    id, order_id, buyer_id, currency, amount, token, status, intent_id, failure_kind, failure_code, failure_message,
    trouble, version, created_at, updated_at, tries, next_try_at, idempotency_key, fingerprint
FROM payment;

-- Takes its triggers and indexes along; nothing refers to it. The tally stays, and so does what it counts.
DROP TABLE payment;
ALTER TABLE payment_anew RENAME TO payment;

-- Two buyers' clicks, two tabs, two requests: one of them pays.
CREATE UNIQUE INDEX one_live_attempt ON payment (order_id)
WHERE status IN ('started', 'requires-payment-method', 'requires-action', 'authorized', 'capturing', 'captured');

CREATE UNIQUE INDEX one_attempt_per_key ON payment (buyer_id, idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE INDEX unsettled ON payment (next_try_at)
WHERE trouble IS NULL AND (
    status IN ('started', 'requires-payment-method', 'requires-action', 'capturing', 'voiding') OR told_at IS NOT NULL
);

-- For how long Stripe has not answered; that a buyer takes time is nothing to worry about.
CREATE INDEX unanswered ON payment (updated_at)
WHERE status IN ('started', 'capturing', 'voiding') AND trouble IS NULL;

CREATE INDEX payment_by_order ON payment (order_id);
CREATE INDEX payment_by_buyer ON payment (buyer_id, id);
CREATE INDEX payment_by_age ON payment (created_at);
CREATE INDEX payment_in_trouble ON payment (id) WHERE trouble IS NOT NULL;

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

-- The events that Stripe has told of, so that one told twice has its effect once.
CREATE TABLE stripe_event (
    id TEXT PRIMARY KEY,
    received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX stripe_event_by_age ON stripe_event (received_at);

-- Since when Stripe may know of payments that nobody here remembers, after a backup was put back, and since when they are
-- looked for; no row, once all of them are taken back.
CREATE TABLE amnesia (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    since INTEGER NOT NULL,
    began_at INTEGER NOT NULL
) STRICT;
