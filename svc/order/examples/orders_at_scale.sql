-- Fills an empty database of the order service: {orders} orders of {listings} listings, and a refund of every 50th sale.
-- Triggers and indexes are dropped while rows are inserted; what is counted is computed at the end. Without a journal: a
-- failed run begins anew.
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -500000;
BEGIN;
INSERT INTO listing (id, version, seller_id, title, amount, currency, wanted, quantity)
WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n < {listings} - 1)
SELECT format('01980000-0000-7000-8000-%012x', n), 1, format('01970000-0000-7000-8000-%012x', n % 1000),
    'A concert', 1999, 'usd', 1000000, 1000000
FROM number;

-- Ids increase as in a real marketplace; two of three orders are paid, one in 64 is open, the others have expired.
INSERT INTO "order" (
    id, version, status, cancel_reason, buyer_id, seller_id, ticket_id, title, amount, currency, quantity, expires_at,
    payment_id, created_at, updated_at, claimed_quantity, refunded_quantity, returned_quantity
)
WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n < {orders} - 1),
fate AS (
    SELECT n, CASE WHEN n % 3 < 2 THEN 'complete' WHEN n % 64 = 0 THEN 'created' ELSE 'cancelled' END AS status,
        n % 3 < 2 AND n % 50 = 0 AS is_refunded
    FROM number
)
SELECT format('01990000-0000-7000-8000-%012x', n), 3, status, iif(status = 'cancelled', 'expired', NULL),
    format('01960000-0000-7000-8000-%012x', (n * 7919) % ({orders} / 4 + 1)),
    format('01970000-0000-7000-8000-%012x', (n * 31) % {listings} % 1000),
    format('01980000-0000-7000-8000-%012x', (n * 31) % {listings}),
    'A concert', 1999, 'usd', 1 + n % 2, 1800000000000 + n,
    iif(status = 'complete', format('019a0000-0000-7000-8000-%012x', n), NULL),
    1800000000000 + n, 1800000000000 + n, is_refunded, is_refunded, is_refunded
FROM fate;

INSERT INTO refund (id, version, status, order_id, seller_id, quantity, amount, asked_by, returned, created_at, updated_at)
SELECT '019b' || substr(id, 5), 3, 'paid', id, seller_id, 1, 1999, 'buyer', 1, updated_at, updated_at
FROM "order" WHERE refunded_quantity > 0;

CREATE INDEX filling ON "order" (ticket_id, status, quantity, returned_quantity);
UPDATE listing SET
    held = coalesce((SELECT sum(quantity) FROM "order" WHERE ticket_id = listing.id AND status = 'created'), 0),
    sold = coalesce((
        SELECT sum(quantity - returned_quantity) FROM "order"
        WHERE ticket_id = listing.id AND status IN ('awaiting:payment', 'complete') AND status = 'complete'
    ), 0);
DROP INDEX filling;
DELETE FROM tally;
INSERT INTO tally (status, reason, orders, tickets)
SELECT status, coalesce(cancel_reason, ''), count(*), sum(quantity) FROM "order" GROUP BY 1, 2;
INSERT INTO buyer_open_orders (buyer_id, orders)
SELECT buyer_id, count(*) FROM "order" WHERE status = 'created' GROUP BY buyer_id;
INSERT INTO buyer_tickets (ticket_id, buyer_id, tickets)
SELECT ticket_id, buyer_id, sum(quantity - returned_quantity) FROM "order" WHERE status <> 'cancelled' GROUP BY 1, 2;
COMMIT;
