-- additive: a CHECK that allows more. The release before shows and sells what is free; it only takes no new offer of it.

-- A ticket may cost nothing. The table is rebuilt, for a CHECK cannot be changed.
CREATE TABLE listing_anew (
    -- Counts the listings in the order in which they were committed: newest and oldest first go by it.
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE CHECK (length(id) = 36),
    seller_id TEXT NOT NULL CHECK (length(seller_id) = 36),
    title TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    description TEXT CHECK (length(description) BETWEEN 1 AND 5000),
    venue TEXT CHECK (length(venue) BETWEEN 1 AND 200),
    starts_at INTEGER,
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    -- Minor units of the currency. Zero is sold without Stripe.
    amount INTEGER NOT NULL CHECK (amount BETWEEN 0 AND 99999999),
    -- How many the seller wants to sell in all. More than that are held and sold only if it was lowered meanwhile.
    wanted INTEGER NOT NULL CHECK (wanted BETWEEN 1 AND 1000000),
    order_window_seconds INTEGER CHECK (order_window_seconds BETWEEN 10 AND 3600),
    -- Counts the seller's changes, the first included.
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL CHECK (updated_at >= created_at),
    withdrawn_at INTEGER,
    -- Counts, over all listings, the moments at which one got the price and start that it has now.
    placed INTEGER NOT NULL UNIQUE,
    -- As a key to sort by: what has no start comes last.
    begins INTEGER GENERATED ALWAYS AS (coalesce(starts_at, 9223372036854775807)) VIRTUAL,
    -- Until when a buyer gets a refund without the seller being asked, and whether what went back is sold again.
    refundable_until INTEGER,
    resell_refunded INTEGER NOT NULL DEFAULT 1 CHECK (resell_refunded IN (0, 1))
) STRICT;

INSERT INTO listing_anew (
    number, id, seller_id, title, description, venue, starts_at, currency, amount, wanted, order_window_seconds, version,
    created_at, updated_at, withdrawn_at, placed, refundable_until, resell_refunded
)
SELECT
    number, id, seller_id, title, description, venue, starts_at, currency, amount, wanted, order_window_seconds, version,
    created_at, updated_at, withdrawn_at, placed, refundable_until, resell_refunded
FROM listing;

-- Takes its triggers and indexes along. What refers to it, and what is derived from it, is not touched.
DROP TABLE listing;
ALTER TABLE listing_anew RENAME TO listing;

-- Only what is not withdrawn is listed.
CREATE INDEX listed_by_number ON listing (number) WHERE withdrawn_at IS NULL;
CREATE INDEX listed_by_seller ON listing (seller_id, number) WHERE withdrawn_at IS NULL;
CREATE INDEX listed_by_price ON listing (currency, amount, number) WHERE withdrawn_at IS NULL;
CREATE INDEX listed_by_start ON listing (begins, number) WHERE withdrawn_at IS NULL;

CREATE TRIGGER listing_placed_anew AFTER UPDATE OF currency, amount, starts_at ON listing
WHEN OLD.currency <> NEW.currency OR OLD.amount <> NEW.amount OR OLD.starts_at IS NOT NEW.starts_at
BEGIN
    UPDATE listing SET placed = (SELECT max(placed) + 1 FROM listing) WHERE number = NEW.number;
    INSERT INTO former_place (until, placed, number, currency, amount, begins, replaced_at)
    SELECT placed, OLD.placed, number, OLD.currency, OLD.amount, OLD.begins, NEW.updated_at
    FROM listing WHERE number = NEW.number;
END;

CREATE TRIGGER listing_words_of_new AFTER INSERT ON listing
BEGIN
    INSERT INTO listing_words (rowid, title, description, venue)
    VALUES (NEW.number, NEW.title, NEW.description, NEW.venue);
END;

CREATE TRIGGER listing_words_of_changed AFTER UPDATE OF title, description, venue ON listing
BEGIN
    INSERT INTO listing_words (listing_words, rowid, title, description, venue)
    VALUES ('delete', OLD.number, OLD.title, OLD.description, OLD.venue);
    INSERT INTO listing_words (rowid, title, description, venue)
    VALUES (NEW.number, NEW.title, NEW.description, NEW.venue);
END;

CREATE TRIGGER listing_counted AFTER INSERT ON listing
BEGIN
    INSERT INTO tally (state, listings) VALUES (iif(NEW.withdrawn_at IS NULL, 'on-sale', 'withdrawn'), 1)
    ON CONFLICT (state) DO UPDATE SET listings = listings + 1;
END;

CREATE TRIGGER listing_counted_anew AFTER UPDATE OF withdrawn_at ON listing
WHEN (OLD.withdrawn_at IS NULL) <> (NEW.withdrawn_at IS NULL)
BEGIN
    UPDATE tally SET listings = listings - 1 WHERE state = iif(OLD.withdrawn_at IS NULL, 'on-sale', 'withdrawn');
    INSERT INTO tally (state, listings) VALUES (iif(NEW.withdrawn_at IS NULL, 'on-sale', 'withdrawn'), 1)
    ON CONFLICT (state) DO UPDATE SET listings = listings + 1;
END;
