-- additive: columns that may be null, and a table. The previous release neither shows nor changes images.

-- The picture of a listing: the hash of its files, and the size of the large one.
ALTER TABLE listing ADD COLUMN image_hash TEXT CHECK (length(image_hash) = 32);
ALTER TABLE listing ADD COLUMN image_width INTEGER CHECK (image_width > 0);
ALTER TABLE listing ADD COLUMN image_height INTEGER CHECK (image_height > 0);

-- The files, apart from the rows that lists read.
CREATE TABLE image (
    ticket_id TEXT PRIMARY KEY REFERENCES listing (id),
    seller_id TEXT NOT NULL,
    hash TEXT NOT NULL CHECK (length(hash) = 32),
    bytes INTEGER NOT NULL GENERATED ALWAYS AS (length(large) + length(small)) STORED,
    -- JPEG files.
    large BLOB NOT NULL,
    small BLOB NOT NULL
) STRICT;

CREATE INDEX image_by_seller ON image (seller_id, bytes);
