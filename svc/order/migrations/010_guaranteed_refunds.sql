-- additive: an index.

-- The sales of a seller with tickets that can be given back, by the end of the guarantee that they were ordered with.
CREATE INDEX order_guaranteed_by_seller ON "order" (seller_id, refundable_until)
    WHERE refundable_until IS NOT NULL AND status = 'complete' AND claimed_quantity < quantity;
