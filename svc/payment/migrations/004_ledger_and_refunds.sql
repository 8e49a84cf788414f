-- additive: the ledger, refunds and disputes are tables of their own; a column that may be null.

-- Who sells. NULL until an event of the order has told it: an older release did not keep it.
ALTER TABLE bill ADD COLUMN seller_id TEXT CHECK (length(seller_id) = 36);

-- Money that was taken, and what became of it: a row for each captured payment that cost anything.
CREATE TABLE taking (
    payment_id TEXT PRIMARY KEY REFERENCES payment (id),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    amount INTEGER NOT NULL CHECK (amount > 0),
    -- The platform's share of what is sold and not given back, in hundredths of a percent: as it was when it was taken.
    fee_basis_points INTEGER NOT NULL CHECK (fee_basis_points BETWEEN 0 AND 10000),
    -- What Stripe has given back or is about to. Kept by triggers, so that it can never be more than was taken.
    refunded INTEGER NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND amount),
    -- What Stripe kept for itself, once it is known; in the currency in which it keeps the account.
    stripe_fee INTEGER,
    stripe_fee_currency TEXT CHECK (length(stripe_fee_currency) = 3),
    -- How often Stripe was asked what became of it and had nothing new to say, and when it is asked again; NULL where
    -- nothing is awaited.
    tries INTEGER NOT NULL DEFAULT 0 CHECK (tries >= 0),
    look_at INTEGER,
    -- When Stripe told of something that has not been looked at since.
    told_at INTEGER,
    CHECK ((stripe_fee IS NULL) = (stripe_fee_currency IS NULL)),
    CHECK (told_at IS NULL OR look_at IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE INDEX taking_to_look_at ON taking (look_at) WHERE look_at IS NOT NULL;

-- Money that is to go back to a buyer. It may be asked for before the payment is known here, after a restore.
CREATE TABLE refund (
    id TEXT PRIMARY KEY CHECK (length(id) = 36),
    payment_id TEXT NOT NULL CHECK (length(payment_id) = 36),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    -- Zero goes back without Stripe.
    amount INTEGER NOT NULL CHECK (amount >= 0),
    -- Whether somebody gave it back at Stripe, without an order's asking.
    by_hand INTEGER NOT NULL CHECK (by_hand IN (0, 1)),
    state TEXT NOT NULL CHECK (state IN ('asked', 'pending', 'succeeded', 'failed')),
    -- Stripe's refund, once it is known.
    stripe_id TEXT UNIQUE,
    -- Why it failed, for people.
    failure TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL CHECK (updated_at >= created_at),
    tries INTEGER NOT NULL CHECK (tries >= 0),
    next_try_at INTEGER NOT NULL,
    -- How many idempotency keys Stripe has answered for ever with an error of its own.
    spent_keys INTEGER NOT NULL CHECK (spent_keys >= 0),
    CHECK (stripe_id IS NOT NULL OR amount = 0 OR (state IN ('asked', 'failed') AND by_hand = 0)),
    CHECK ((state = 'failed') = (failure IS NOT NULL))
) STRICT;

CREATE INDEX refund_by_payment ON refund (payment_id);
CREATE INDEX refund_to_ask_for ON refund (next_try_at) WHERE state = 'asked';

CREATE TRIGGER refund_counted AFTER INSERT ON refund WHEN NEW.state IN ('pending', 'succeeded')
BEGIN
    UPDATE taking SET refunded = refunded + NEW.amount WHERE payment_id = NEW.payment_id;
END;

CREATE TRIGGER refund_counted_anew AFTER UPDATE OF state ON refund
BEGIN
    UPDATE taking
    SET refunded = refunded
        + NEW.amount * ((NEW.state IN ('pending', 'succeeded')) - (OLD.state IN ('pending', 'succeeded')))
    WHERE payment_id = NEW.payment_id;
END;

-- Charges that a buyer's bank takes back, or asks about.
CREATE TABLE dispute (
    -- Stripe's.
    id TEXT PRIMARY KEY,
    payment_id TEXT NOT NULL REFERENCES taking (payment_id),
    amount INTEGER NOT NULL CHECK (amount >= 0),
    status TEXT NOT NULL CHECK (status IN ('inquiry', 'open', 'won', 'lost', 'closed')),
    reason TEXT NOT NULL,
    -- What the bank has got now, in the payment's currency.
    withdrawn INTEGER NOT NULL CHECK (withdrawn BETWEEN 0 AND amount),
    -- What Stripe takes for it.
    fee INTEGER NOT NULL,
    fee_currency TEXT NOT NULL CHECK (length(fee_currency) = 3),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX dispute_by_payment ON dispute (payment_id);

-- The books. A row is one transaction: what each account got (above zero) and gave (below), in minor units of one
-- currency. All of it together is nothing: no cent comes from nowhere, and none is lost.
CREATE TABLE ledger (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    at INTEGER NOT NULL,
    payment_id TEXT NOT NULL REFERENCES taking (payment_id),
    -- Who sells; NULL where that is not known, and for what is the platform's own affair.
    seller_id TEXT CHECK (length(seller_id) = 36),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    -- Why it was written.
    reason TEXT NOT NULL
        CHECK (reason IN ('captured', 'completed', 'refund', 'refund-failed', 'dispute', 'stripe-fee')),
    -- The refund or the dispute that it was written for.
    reference TEXT,
    -- What buyers have paid.
    buyer INTEGER NOT NULL,
    -- Taken for an order that is not complete yet, or whose seller is not known yet.
    held INTEGER NOT NULL,
    -- The seller's.
    seller INTEGER NOT NULL,
    -- What the platform gets of the seller.
    platform_fee INTEGER NOT NULL,
    -- Given back to buyers.
    refunds INTEGER NOT NULL,
    -- Taken back by buyers' banks.
    dispute INTEGER NOT NULL,
    -- What the platform pays itself.
    costs INTEGER NOT NULL,
    -- What Stripe has kept for itself.
    stripe_fee INTEGER NOT NULL,
    CHECK (buyer + held + seller + platform_fee + refunds + dispute + costs + stripe_fee = 0),
    CHECK (seller_id IS NOT NULL OR (seller = 0 AND platform_fee = 0))
) STRICT;

CREATE INDEX ledger_by_payment ON ledger (payment_id);
CREATE INDEX ledger_by_seller ON ledger (seller_id, id) WHERE seller_id IS NOT NULL;

CREATE TRIGGER ledger_is_not_changed BEFORE UPDATE ON ledger
BEGIN
    SELECT RAISE(ABORT, 'the ledger is only appended to');
END;

CREATE TRIGGER ledger_is_not_forgotten BEFORE DELETE ON ledger
BEGIN
    SELECT RAISE(ABORT, 'the ledger is only appended to');
END;

-- INSERT OR REPLACE deletes without asking the trigger above.
CREATE TRIGGER ledger_is_not_replaced BEFORE INSERT ON ledger WHEN EXISTS (SELECT 1 FROM ledger WHERE id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'the ledger is only appended to');
END;

-- What the books of each seller sum up to. Kept by a trigger: to know it does not cost more with every sale.
CREATE TABLE seller_balance (
    seller_id TEXT NOT NULL CHECK (length(seller_id) = 36),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    buyer INTEGER NOT NULL,
    held INTEGER NOT NULL,
    seller INTEGER NOT NULL,
    platform_fee INTEGER NOT NULL,
    refunds INTEGER NOT NULL,
    dispute INTEGER NOT NULL,
    PRIMARY KEY (seller_id, currency)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER ledger_summed_up AFTER INSERT ON ledger WHEN NEW.seller_id IS NOT NULL
BEGIN
    INSERT INTO seller_balance (seller_id, currency, buyer, held, seller, platform_fee, refunds, dispute)
    VALUES (
        NEW.seller_id, NEW.currency, NEW.buyer, NEW.held, NEW.seller, NEW.platform_fee, NEW.refunds, NEW.dispute
    )
    ON CONFLICT (seller_id, currency) DO UPDATE
    SET buyer = buyer + NEW.buyer, held = held + NEW.held, seller = seller + NEW.seller,
        platform_fee = platform_fee + NEW.platform_fee, refunds = refunds + NEW.refunds,
        dispute = dispute + NEW.dispute;
END;

-- The same as entries, one for each account that a transaction touches.
CREATE VIEW ledger_entry (transaction_id, at, payment_id, currency, reason, account, amount) AS
SELECT l.id, l.at, l.payment_id, l.currency, l.reason, a.account,
    CASE a.account
        WHEN 'buyer' THEN l.buyer
        WHEN 'held' THEN l.held
        WHEN 'platform fee' THEN l.platform_fee
        WHEN 'refunds' THEN l.refunds
        WHEN 'dispute' THEN l.dispute
        WHEN 'costs' THEN l.costs
        WHEN 'stripe fee' THEN l.stripe_fee
        ELSE l.seller
    END AS amount
FROM ledger l, (
    SELECT 'buyer' AS account UNION ALL SELECT 'held' UNION ALL SELECT 'platform fee' UNION ALL SELECT 'refunds'
    UNION ALL SELECT 'dispute' UNION ALL SELECT 'costs' UNION ALL SELECT 'stripe fee' UNION ALL SELECT 'seller'
) a
WHERE amount <> 0;

-- What older releases have taken. It is held until an event of the order tells who sells: `ticketing-order republish`.
INSERT INTO taking (payment_id, currency, amount, fee_basis_points, look_at)
SELECT id, currency, amount, 0, updated_at FROM payment WHERE status = 'captured' AND amount > 0;

INSERT INTO ledger (
    at, payment_id, currency, reason, buyer, held, seller, platform_fee, refunds, dispute, costs, stripe_fee
)
SELECT updated_at, id, currency, 'captured', -amount, amount, 0, 0, 0, 0, 0, 0
FROM payment WHERE status = 'captured' AND amount > 0 ORDER BY updated_at, id;
