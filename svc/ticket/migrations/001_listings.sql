-- What is derived (words to search, places in a sorted list, totals of orders) is kept by triggers: no statement can
-- forget it, and the invariants of `check` compare it with what it is derived from.

-- A listing of identical tickets, as its seller wants it. Rows are never deleted.
CREATE TABLE listing (
    -- Counts the listings in the order in which they were committed: newest and oldest first go by it.
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE CHECK (length(id) = 36),
    seller_id TEXT NOT NULL CHECK (length(seller_id) = 36),
    title TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    description TEXT CHECK (length(description) BETWEEN 1 AND 5000),
    venue TEXT CHECK (length(venue) BETWEEN 1 AND 200),
    starts_at INTEGER,
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    -- Minor units of the currency.
    amount INTEGER NOT NULL CHECK (amount BETWEEN 1 AND 99999999),
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
    begins INTEGER GENERATED ALWAYS AS (coalesce(starts_at, 9223372036854775807)) VIRTUAL
) STRICT;

-- Only what is not withdrawn is listed.
CREATE INDEX listed_by_number ON listing (number) WHERE withdrawn_at IS NULL;
CREATE INDEX listed_by_seller ON listing (seller_id, number) WHERE withdrawn_at IS NULL;
CREATE INDEX listed_by_price ON listing (currency, amount, number) WHERE withdrawn_at IS NULL;
CREATE INDEX listed_by_start ON listing (begins, number) WHERE withdrawn_at IS NULL;

-- The price and start that a listing had from `placed` on and no longer from `until` on. Who pages through a sorted list
-- goes by the places that were current at the first page, so that a change in between neither repeats nor skips.
CREATE TABLE former_place (
    until INTEGER PRIMARY KEY,
    placed INTEGER NOT NULL UNIQUE CHECK (placed < until),
    number INTEGER NOT NULL REFERENCES listing (number),
    currency TEXT NOT NULL,
    amount INTEGER NOT NULL,
    begins INTEGER NOT NULL,
    replaced_at INTEGER NOT NULL
) STRICT;

CREATE INDEX former_place_by_age ON former_place (replaced_at);

CREATE TRIGGER listing_placed_anew AFTER UPDATE OF currency, amount, starts_at ON listing
WHEN OLD.currency <> NEW.currency OR OLD.amount <> NEW.amount OR OLD.starts_at IS NOT NEW.starts_at
BEGIN
    UPDATE listing SET placed = (SELECT max(placed) + 1 FROM listing) WHERE number = NEW.number;
    INSERT INTO former_place (until, placed, number, currency, amount, begins, replaced_at)
    SELECT placed, OLD.placed, number, OLD.currency, OLD.amount, OLD.begins, NEW.updated_at
    FROM listing WHERE number = NEW.number;
END;

-- The words of each listing (https://sqlite.org/fts5.html#external_content_tables).
CREATE VIRTUAL TABLE listing_words USING fts5 (
    title, description, venue,
    content = 'listing', content_rowid = 'number',
    tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3'
);

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

-- A replica: the newest state of each order that was heard of. Its listing may be unknown here: after a restore from an
-- older backup the order's events can be first.
CREATE TABLE hold (
    order_id TEXT PRIMARY KEY CHECK (length(order_id) = 36),
    ticket_id TEXT NOT NULL CHECK (length(ticket_id) = 36),
    quantity INTEGER NOT NULL CHECK (quantity >= 1),
    status TEXT NOT NULL CHECK (status IN ('created', 'awaiting:payment', 'complete', 'cancelled')),
    version INTEGER NOT NULL CHECK (version >= 1),
    held INTEGER GENERATED ALWAYS AS (iif(status IN ('created', 'awaiting:payment'), quantity, 0)) VIRTUAL,
    sold INTEGER GENERATED ALWAYS AS (iif(status = 'complete', quantity, 0)) VIRTUAL
) STRICT, WITHOUT ROWID;

-- The totals of `hold` per listing.
CREATE TABLE stock (
    ticket_id TEXT PRIMARY KEY,
    held INTEGER NOT NULL CHECK (held >= 0),
    sold INTEGER NOT NULL CHECK (sold >= 0)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER hold_counted AFTER INSERT ON hold
BEGIN
    INSERT INTO stock (ticket_id, held, sold) VALUES (NEW.ticket_id, NEW.held, NEW.sold)
    ON CONFLICT (ticket_id) DO UPDATE SET held = held + excluded.held, sold = sold + excluded.sold;
END;

CREATE TRIGGER hold_counted_anew AFTER UPDATE ON hold
BEGIN
    UPDATE stock SET held = held - OLD.held, sold = sold - OLD.sold WHERE ticket_id = OLD.ticket_id;
    INSERT INTO stock (ticket_id, held, sold) VALUES (NEW.ticket_id, NEW.held, NEW.sold)
    ON CONFLICT (ticket_id) DO UPDATE SET held = held + excluded.held, sold = sold + excluded.sold;
END;
