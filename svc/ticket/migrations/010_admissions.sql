-- additive: new tables, and columns of the replica of orders that may be null or have a default. The previous release stores orders
-- without them; this release completes such an order when its state is published again.

-- The buyer and the seller, the refunded tickets, and whether the charge was disputed and lost.
ALTER TABLE hold ADD COLUMN buyer_id TEXT CHECK (length(buyer_id) = 36);
ALTER TABLE hold ADD COLUMN seller_id TEXT CHECK (length(seller_id) = 36);
ALTER TABLE hold ADD COLUMN refunded INTEGER NOT NULL DEFAULT 0 CHECK (refunded >= 0);
ALTER TABLE hold ADD COLUMN is_lost INTEGER NOT NULL DEFAULT 0 CHECK (is_lost IN (0, 1));
-- The version that the columns above belong to, and the version that the admissions follow.
ALTER TABLE hold ADD COLUMN detailed_version INTEGER;
ALTER TABLE hold ADD COLUMN followed_version INTEGER;
CREATE INDEX hold_not_followed ON hold (order_id)
    WHERE status = 'complete' AND detailed_version IS version AND followed_version IS NOT version;
CREATE INDEX hold_without_details ON hold (order_id) WHERE status = 'complete' AND detailed_version IS NOT version;

-- The replica of accounts: names and addresses of holders. A deleted account has none.
CREATE TABLE account (
    id TEXT PRIMARY KEY CHECK (length(id) = 36),
    version INTEGER NOT NULL CHECK (version >= 1),
    status TEXT NOT NULL CHECK (status IN ('active', 'closing', 'deleted')),
    email TEXT,
    name TEXT,
    language TEXT NOT NULL,
    CHECK (status <> 'deleted' OR (email IS NULL AND name IS NULL))
) STRICT, WITHOUT ROWID;

-- The key that signs codes, sealed with the key file.
CREATE TABLE code_key (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- The right of one person to enter the event of a listing once. Rows are never deleted.
CREATE TABLE admission (
    row INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE CHECK (length(id) = 36),
    order_id TEXT NOT NULL CHECK (length(order_id) = 36),
    ticket_id TEXT NOT NULL CHECK (length(ticket_id) = 36),
    seller_id TEXT NOT NULL CHECK (length(seller_id) = 36),
    -- Which ticket of the order it is, and how many the order has.
    number INTEGER NOT NULL CHECK (number >= 1),
    of INTEGER NOT NULL CHECK (of >= number),
    holder_id TEXT NOT NULL CHECK (length(holder_id) = 36),
    used_at INTEGER,
    -- The door at which it was used; null for the seller.
    door TEXT CHECK (door IS NULL OR used_at IS NOT NULL),
    void_reason TEXT CHECK (void_reason IN ('refund', 'dispute')),
    code_hash BLOB NOT NULL UNIQUE CHECK (length(code_hash) = 32),
    sealed_code BLOB NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1),
    -- The last change.
    change TEXT NOT NULL CHECK (change IN ('issued', 'voided', 'used', 'restored', 'transferred')),
    issued_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    -- Counts the changes of all admissions after they were issued; null before the first.
    changed INTEGER,
    state TEXT GENERATED ALWAYS AS (
        CASE WHEN void_reason IS NOT NULL THEN 'void' WHEN used_at IS NOT NULL THEN 'used' ELSE 'valid' END
    ) VIRTUAL,
    UNIQUE (order_id, number)
) STRICT;

CREATE INDEX admission_by_holder ON admission (holder_id, row);
CREATE UNIQUE INDEX admission_by_change ON admission (changed) WHERE changed IS NOT NULL;
CREATE INDEX admission_changed_of_ticket ON admission (ticket_id, changed) WHERE changed IS NOT NULL;

-- Codes that were replaced by a transfer: a door states that instead of an unknown code.
CREATE TABLE replaced_code (
    hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
    admission INTEGER NOT NULL REFERENCES admission (row)
) STRICT, WITHOUT ROWID;

-- The number of admissions of each listing by state.
CREATE TABLE attendance (
    ticket_id TEXT PRIMARY KEY,
    valid INTEGER NOT NULL CHECK (valid >= 0),
    used INTEGER NOT NULL CHECK (used >= 0),
    void INTEGER NOT NULL CHECK (void >= 0)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER admission_counted AFTER INSERT ON admission
BEGIN
    INSERT INTO attendance (ticket_id, valid, used, void)
    VALUES (NEW.ticket_id, NEW.state = 'valid', NEW.state = 'used', NEW.state = 'void')
    ON CONFLICT (ticket_id) DO UPDATE
    SET valid = valid + excluded.valid, used = used + excluded.used, void = void + excluded.void;
END;

CREATE TRIGGER admission_counted_anew AFTER UPDATE OF used_at, void_reason ON admission
BEGIN
    UPDATE attendance
    SET valid = valid + (NEW.state = 'valid') - (OLD.state = 'valid'),
        used = used + (NEW.state = 'used') - (OLD.state = 'used'),
        void = void + (NEW.state = 'void') - (OLD.state = 'void')
    WHERE ticket_id = NEW.ticket_id;
END;
