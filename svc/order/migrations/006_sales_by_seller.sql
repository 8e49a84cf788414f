-- additive: an index.

-- The sales of a seller, newest first.
CREATE INDEX order_sold_by_seller ON "order" (seller_id, id) WHERE status IN ('awaiting:payment', 'complete');
