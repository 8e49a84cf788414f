-- How many listings there are on sale and withdrawn. Kept by triggers: no statement can forget it, and to know it does not
-- cost more with every listing.
CREATE TABLE tally (
    state    TEXT PRIMARY KEY CHECK (state IN ('on-sale', 'withdrawn')),
    listings INTEGER NOT NULL CHECK (listings >= 0)
) STRICT, WITHOUT ROWID;

INSERT INTO tally (state, listings)
SELECT iif(withdrawn_at IS NULL, 'on-sale', 'withdrawn'), count(*) FROM listing GROUP BY 1;

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
