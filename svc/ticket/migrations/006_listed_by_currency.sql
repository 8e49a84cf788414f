-- additive: an index.

-- Listings in one currency, newest or oldest first.
CREATE INDEX listed_by_currency ON listing (currency, number) WHERE withdrawn_at IS NULL;
