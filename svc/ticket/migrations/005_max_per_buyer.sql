-- additive: a column that may be null. What the previous release writes leaves it as it is.

-- The maximum number of tickets of one buyer; null for the marketplace's.
ALTER TABLE listing ADD COLUMN max_per_buyer INTEGER CHECK (max_per_buyer BETWEEN 1 AND 1000000);
