-- additive: columns that may be null or have a default, and an index. What the previous release writes leaves them as they are.

-- The time zone of the place, by its name in the IANA database.
ALTER TABLE listing ADD COLUMN time_zone TEXT CHECK (length(time_zone) BETWEEN 1 AND 64);
-- When the sale begins and ends; null for at once, and for the start of the event.
ALTER TABLE listing ADD COLUMN sales_begin INTEGER;
ALTER TABLE listing ADD COLUMN sales_end INTEGER;
-- Whether buyers have to sign in with a second factor.
ALTER TABLE listing ADD COLUMN requires_second_factor INTEGER NOT NULL DEFAULT 0
    CHECK (requires_second_factor IN (0, 1));

-- Which sale begins next: lists of available tickets change then.
CREATE INDEX listed_by_sales_begin ON listing (sales_begin) WHERE withdrawn_at IS NULL AND sales_begin IS NOT NULL;
