use db::admin::Invariant;

/// What `check` looks for.
pub(crate) const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "the tally counts the payments",
        sql: "SELECT status, p.payments, t.payments AS counted
              FROM (SELECT status, count(*) AS payments FROM payment GROUP BY status) p
              FULL JOIN tally t USING (status) WHERE coalesce(p.payments, 0) IS NOT t.payments",
    },
    Invariant {
        name: "no payment waits for a person",
        sql: "SELECT id, order_id, intent_id, status, trouble FROM payment WHERE trouble IS NOT NULL",
    },
    Invariant {
        name: "an order has at most one payment that lives",
        sql: "SELECT order_id, count(*) AS living FROM payment
              WHERE status IN ('started', 'requires-payment-method', 'requires-action', 'authorized', 'capturing', 'captured')
              GROUP BY order_id HAVING living > 1",
    },
    Invariant {
        name: "money is taken only for an order that was confirmed with that payment",
        sql: "SELECT p.id, p.status, b.order_id, b.status AS order_status, b.payment_id
              FROM payment p JOIN bill b USING (order_id)
              WHERE p.status IN ('capturing', 'captured') AND b.payment_id IS NOT p.id",
    },
    Invariant {
        name: "the money of a complete order was taken",
        sql: "SELECT b.order_id, b.payment_id, p.status FROM bill b LEFT JOIN payment p ON p.id = b.payment_id
              WHERE b.status = 'complete' AND p.status IS NOT 'captured'",
    },
    Invariant {
        name: "a payment is the order's total, by the order's buyer",
        sql: "SELECT p.id, p.amount, p.currency, p.buyer_id, b.amount AS owed, b.currency AS owed_in, b.buyer_id AS by
              FROM payment p JOIN bill b USING (order_id)
              WHERE p.amount <> b.amount OR p.currency <> b.currency OR p.buyer_id <> b.buyer_id",
    },
];
