-- additive: indexes.

-- The listings of a seller: whether any of them prevents the deletion of the account.
CREATE INDEX listing_by_seller ON listing (seller_id);
-- The few orders that are being paid, by seller.
CREATE INDEX order_confirmed_by_seller ON "order" (seller_id) WHERE status = 'awaiting:payment';
