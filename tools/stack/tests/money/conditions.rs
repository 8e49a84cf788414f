//! SQL over the databases of the order and the payment service, attached as `"order"` and `payment`, and over Stripe's
//! lists in the tables `stripe_refund`, `stripe_dispute`, `stripe_balance` and `stripe_intent`.

/// The conditions that hold when everything has settled: a name, and a query that returns a text for each violation.
pub(crate) const CONDITIONS: &[(&str, &str)] = &[
    (
        "Nothing is in progress",
        r#"SELECT format('refund %s of order %s is approved', id, order_id) FROM "order".refund
               WHERE status = 'approved'
           UNION ALL SELECT format('refund %s of payment %s is %s', id, payment_id, state) FROM payment.refund
               WHERE state IN ('asked', 'pending')
           UNION ALL SELECT format('payment %s has a follow-up', payment_id) FROM payment.taking
               WHERE look_at IS NOT NULL
           UNION ALL SELECT format('the withdrawal of %s is not done', ticket_id) FROM "order".withdrawal
               WHERE done = 0"#,
    ),
    (
        "A refund has the same outcome in order and payment",
        r#"SELECT format(
               'refund %s is %s (%s) in order, %s (%s) in payment', o.id, o.status, o.failure, p.state, p.failure
           )
           FROM "order".refund o LEFT JOIN payment.refund p ON p.id = o.id
           WHERE o.status IN ('approved', 'paid', 'failed')
               AND (o.failure IS NOT p.failure
                   OR CASE o.status
                       WHEN 'paid' THEN p.state NOT IN ('succeeded', 'failed')
                       ELSE p.state <> 'failed'
                   END)
           UNION ALL SELECT format('refund %s is %s in payment, and order has not requested it', id, state)
               FROM payment.refund
               WHERE by_hand = 0
                   AND id NOT IN (SELECT id FROM "order".refund WHERE status IN ('approved', 'paid', 'failed'))"#,
    ),
    (
        "A refund is the same at Stripe",
        "SELECT format('%s is %s over %d at Stripe, %s over %d in payment', s.id, s.status, s.amount, p.state, p.amount)
         FROM stripe_refund s LEFT JOIN payment.refund p ON p.stripe_id = s.id
         WHERE (s.status, s.amount) IS NOT (p.state, p.amount)
         UNION ALL SELECT format('refund %s is %s and names %s', id, state, stripe_id) FROM payment.refund
             WHERE state IN ('pending', 'succeeded') AND amount > 0
                 AND stripe_id IS NOT (SELECT id FROM stripe_refund s WHERE s.id = stripe_id)",
    ),
    (
        "The refunded amount of an order is the sum of its refunds",
        r#"SELECT format('order %s: %d in order, %d in payment', o.id, o.refunded_amount, sum(r.amount))
           FROM "order"."order" o LEFT JOIN payment.refund r
               ON r.payment_id = o.payment_id AND r.state = 'succeeded'
           GROUP BY o.id HAVING o.refunded_amount <> coalesce(sum(r.amount), 0)"#,
    ),
    (
        "A dispute is the same at Stripe",
        "SELECT format('%s is %s at Stripe, %s in payment', s.id, s.status, d.status)
         FROM stripe_dispute s LEFT JOIN payment.dispute d ON d.id = s.id
         WHERE d.status IS NOT CASE
             WHEN s.status LIKE 'warning_closed' THEN 'closed'
             WHEN s.status LIKE 'warning%' THEN 'inquiry'
             WHEN s.status IN ('won', 'lost') THEN s.status
             ELSE 'open'
         END",
    ),
    (
        "The dispute status of an order is that of its payment",
        r#"SELECT format('order %s: dispute %s in order, %s in payment', o.id, o.dispute_status, d.status)
           FROM "order"."order" o LEFT JOIN payment.dispute d
               ON d.payment_id = o.payment_id AND d.status IN ('open', 'won', 'lost')
           WHERE o.dispute_status IS NOT d.status"#,
    ),
    (
        "The ledger equals the balance at Stripe",
        "SELECT format('%d at Stripe, %d in the ledger', stripe, ledger) FROM
             (SELECT coalesce(sum(net), 0) AS stripe FROM stripe_balance),
             (SELECT coalesce(-sum(buyer + refunds + dispute + stripe_fee), 0) AS ledger FROM payment.ledger)
         WHERE stripe <> ledger",
    ),
    (
        "No payment intent is open",
        "SELECT format('intent %s of order %s is %s', id, order_id, status) FROM stripe_intent
         WHERE status IN ('requires_action', 'requires_confirmation', 'requires_capture', 'processing')",
    ),
    (
        "Every complete order of a withdrawn listing is refunded, unless a refund failed or a dispute forbids it",
        r#"SELECT format('order %s: %d of %d tickets are claimed', o.id, o.claimed_quantity, o.quantity)
           FROM "order"."order" o JOIN "order".listing l ON l.id = o.ticket_id
           WHERE l.withdrawn_at IS NOT NULL AND o.status = 'complete' AND o.claimed_quantity < o.quantity
               AND o.dispute_status IS NOT 'open' AND o.dispute_status IS NOT 'lost'
               AND NOT EXISTS (SELECT 1 FROM "order".refund r WHERE r.order_id = o.id AND r.status = 'failed')"#,
    ),
];

/// The number of orders, payments, refunds and disputes by status.
pub(crate) const TOTALS: &str = r#"SELECT group_concat(format('%d %s', number, kind), ', ') FROM (
    SELECT count(*) AS number, 'orders ' || status AS kind FROM "order"."order" GROUP BY status
    UNION ALL SELECT count(*), 'payments ' || status FROM payment.payment GROUP BY status
    UNION ALL SELECT count(*), 'refunds ' || state FROM payment.refund GROUP BY state
    UNION ALL SELECT count(*), 'disputes ' || status FROM payment.dispute GROUP BY status)"#;
