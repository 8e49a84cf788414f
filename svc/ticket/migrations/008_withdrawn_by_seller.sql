-- additive: an index.

-- What a seller has withdrawn, newest first.
CREATE INDEX withdrawn_by_seller ON listing (seller_id, number) WHERE withdrawn_at IS NOT NULL;
