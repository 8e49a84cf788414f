-- additive: a table with its indexes and a trigger, and columns that have a default.

-- Scans of doors that were uploaded, and check-ins that named a scan, so that the scan is not uploaded a second time.
CREATE TABLE scan (
    row INTEGER PRIMARY KEY,
    ticket_id TEXT NOT NULL CHECK (length(ticket_id) = 36),
    -- Chosen by the device that scanned.
    id TEXT NOT NULL CHECK (length(id) = 36),
    admission INTEGER NOT NULL REFERENCES admission (row),
    code_hash BLOB NOT NULL CHECK (length(code_hash) = 32),
    scanned_at INTEGER NOT NULL,
    -- The door that scanned; null for the seller.
    door TEXT,
    -- Why the scan should not have admitted; null if it is the use of the admission.
    refusal TEXT CHECK (
        refusal IN ('already-admitted', 'admission-refunded', 'admission-disputed', 'admission-replaced', 'ticket-withdrawn')
    ),
    -- The use that the scan repeats.
    first_at INTEGER CHECK ((first_at IS NOT NULL) = (refusal IS 'already-admitted')),
    first_door TEXT CHECK (first_door IS NULL OR first_at IS NOT NULL),
    uploaded_at INTEGER NOT NULL,
    UNIQUE (ticket_id, id)
) STRICT;

CREATE INDEX scan_of_admission ON scan (admission, row);
CREATE INDEX refused_scan_of_ticket ON scan (ticket_id, row) WHERE refusal IS NOT NULL;

-- The number of scans without the network that a scan before them had used, and of those of void tickets.
ALTER TABLE attendance ADD COLUMN duplicates INTEGER NOT NULL DEFAULT 0 CHECK (duplicates >= 0);
ALTER TABLE attendance ADD COLUMN void_scans INTEGER NOT NULL DEFAULT 0 CHECK (void_scans >= 0);

CREATE TRIGGER refused_scan_counted AFTER INSERT ON scan WHEN NEW.refusal IS NOT NULL
BEGIN
    UPDATE attendance
    SET duplicates = duplicates + (NEW.refusal = 'already-admitted'),
        void_scans = void_scans + (NEW.refusal <> 'already-admitted')
    WHERE ticket_id = NEW.ticket_id;
END;
