-- additive: a column with a default, and a table of its own.

-- How many cards were declined. Attempts of earlier releases count as not declined.
ALTER TABLE payment ADD COLUMN declines INTEGER NOT NULL DEFAULT 0 CHECK (declines >= 0);

-- The declined charges of cards that buyers entered in a browser, so that each counts once: Stripe reports a charge by an
-- event and with the state of its intent.
CREATE TABLE declined_charge (
    -- Stripe's id of the charge; that of the event where there was no charge.
    id TEXT PRIMARY KEY,
    payment_id TEXT NOT NULL REFERENCES payment (id)
) STRICT, WITHOUT ROWID;
