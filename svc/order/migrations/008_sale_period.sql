-- additive: columns that may be null or have a default. What the previous release writes leaves them as they are.

-- When the sale of a listing begins and ends; null for at once, and for the start of the event.
ALTER TABLE listing ADD COLUMN sales_begin INTEGER;
ALTER TABLE listing ADD COLUMN sales_end INTEGER;
-- Whether buyers have to sign in with a second factor.
ALTER TABLE listing ADD COLUMN requires_second_factor INTEGER NOT NULL DEFAULT 0
    CHECK (requires_second_factor IN (0, 1));
