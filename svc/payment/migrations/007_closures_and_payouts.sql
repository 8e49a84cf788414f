-- additive: a table of its own, and indexes. The previous release shows balances without what was paid out.

-- What the marketplace has paid to sellers outside of it, such as by bank transfer. A negative amount was received, or corrects a
-- payout that was recorded by mistake.
CREATE TABLE payout (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    at INTEGER NOT NULL,
    seller_id TEXT NOT NULL CHECK (length(seller_id) = 36),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    -- Minor units of the currency.
    amount INTEGER NOT NULL CHECK (amount <> 0),
    -- By which the transfer is found elsewhere.
    reference TEXT NOT NULL CHECK (length(reference) BETWEEN 1 AND 200)
) STRICT;

CREATE INDEX payout_by_seller ON payout (seller_id, currency, amount);
CREATE INDEX payout_of_seller ON payout (seller_id, id);
-- A command that is repeated records a transfer once.
CREATE UNIQUE INDEX payout_by_reference ON payout (seller_id, currency, reference);

CREATE TRIGGER payout_is_not_changed BEFORE UPDATE ON payout
BEGIN
    SELECT RAISE(ABORT, 'payouts are only appended to');
END;

CREATE TRIGGER payout_is_not_forgotten BEFORE DELETE ON payout
BEGIN
    SELECT RAISE(ABORT, 'payouts are only appended to');
END;

-- INSERT OR REPLACE deletes without the trigger above.
CREATE TRIGGER payout_is_not_replaced BEFORE INSERT ON payout WHEN EXISTS (SELECT 1 FROM payout WHERE id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'payouts are only appended to');
END;

-- The refunds that Stripe has not paid.
CREATE INDEX refund_open ON refund (payment_id) WHERE state IN ('asked', 'pending');
-- The few disputes that are not decided.
CREATE INDEX dispute_open ON dispute (payment_id) WHERE status IN ('inquiry', 'open');
