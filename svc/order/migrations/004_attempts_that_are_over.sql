-- additive: a column that may be null. What the release before writes leaves it be.

-- The newest attempt that is known to be over, while the order is created. That it is under way may be heard after that.
ALTER TABLE "order" ADD COLUMN over_payment_id TEXT;
