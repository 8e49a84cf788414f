-- additive: tables. The previous release does not end the offers of a ticket that it checks in or that is refunded; an offer of a
-- ticket that is not valid can be accepted by nobody, and expires.

-- The offer of an admission to somebody else, and how it ended. Rows are never deleted; address and token are, when the offer ends.
CREATE TABLE transfer (
    row INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE CHECK (length(id) = 36),
    admission_id TEXT NOT NULL CHECK (length(admission_id) = 36),
    ticket_id TEXT NOT NULL CHECK (length(ticket_id) = 36),
    from_id TEXT NOT NULL CHECK (length(from_id) = 36),
    -- Who has accepted it.
    to_id TEXT CHECK (length(to_id) = 36),
    status TEXT NOT NULL CHECK (status IN ('offered', 'accepted', 'declined', 'cancelled', 'expired')),
    address TEXT CHECK (length(address) BETWEEN 1 AND 254),
    language TEXT NOT NULL,
    -- The SHA-256 of the token, and the token sealed with the key file.
    token_hash BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    sealed_token BLOB,
    expires_at INTEGER NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1),
    offered_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CHECK ((status = 'accepted') = (to_id IS NOT NULL)),
    CHECK ((status = 'offered') = (address IS NOT NULL)),
    CHECK ((status = 'offered') = (sealed_token IS NOT NULL))
) STRICT;

-- One open offer for each admission.
CREATE UNIQUE INDEX transfer_offered ON transfer (admission_id) WHERE status = 'offered';
CREATE INDEX transfer_offered_of_ticket ON transfer (ticket_id) WHERE status = 'offered';
CREATE INDEX transfer_offered_until ON transfer (expires_at) WHERE status = 'offered';
CREATE INDEX transfer_of_admission ON transfer (admission_id, row);
CREATE INDEX transfer_of_giver ON transfer (from_id, offered_at);

-- The number of transfers by status.
CREATE TABLE transfer_tally (
    status TEXT PRIMARY KEY,
    transfers INTEGER NOT NULL CHECK (transfers >= 0)
) STRICT, WITHOUT ROWID;

INSERT INTO transfer_tally (status, transfers)
VALUES ('offered', 0), ('accepted', 0), ('declined', 0), ('cancelled', 0), ('expired', 0);

CREATE TRIGGER transfer_counted AFTER INSERT ON transfer
BEGIN
    UPDATE transfer_tally SET transfers = transfers + 1 WHERE status = NEW.status;
END;

CREATE TRIGGER transfer_counted_anew AFTER UPDATE OF status ON transfer WHEN NEW.status <> OLD.status
BEGIN
    UPDATE transfer_tally SET transfers = transfers - 1 WHERE status = OLD.status;
    UPDATE transfer_tally SET transfers = transfers + 1 WHERE status = NEW.status;
END;
