//! Conditions of the services that decide, and of Stripe, independent of the record. A query returns one text per violation.

use super::report::Check;

pub(super) const ALL: &[Check] = &[
    Check {
        name: "No listing is sold more often than it has tickets",
        sql: r#"SELECT format('listing %s has %d tickets, and orders for %d', l.id, l.quantity,
                    sum(o.quantity - o.returned_quantity))
                FROM "order"."order" o JOIN "order".listing l ON l.id = o.ticket_id
                WHERE o.status <> 'cancelled' GROUP BY l.id HAVING sum(o.quantity - o.returned_quantity) > l.quantity"#,
    },
    Check {
        name: "No listing is sold more often than its seller ever offered",
        sql: r#"SELECT format('listing %s: %d offered at most, orders for %d', o.ticket_id, w.most,
                    sum(o.quantity - o.returned_quantity))
                FROM "order"."order" o JOIN largest_offer w ON w.ticket_id = o.ticket_id
                WHERE o.status <> 'cancelled' GROUP BY o.ticket_id
                HAVING sum(o.quantity - o.returned_quantity) > w.most"#,
    },
    Check {
        name: "Every order has ended",
        sql: r#"SELECT format('order %s is %s', id, status) FROM "order"."order"
                WHERE status NOT IN ('complete', 'cancelled')"#,
    },
    Check {
        name: "The held and sold counts of the order service match its orders",
        sql: r#"SELECT format('listing %s: %d held and %d sold, by its orders %d and %d', l.id, l.held, l.sold,
                    coalesce(o.held, 0), coalesce(o.sold, 0))
                FROM "order".listing l LEFT JOIN
                    (SELECT ticket_id, sum(iif(status IN ('created', 'awaiting:payment'), quantity, 0)) AS held,
                        sum(iif(status = 'complete', quantity - returned_quantity, 0)) AS sold
                    FROM "order"."order" GROUP BY ticket_id) o
                ON o.ticket_id = l.id
                WHERE (l.held, l.sold) IS NOT (coalesce(o.held, 0), coalesce(o.sold, 0))"#,
    },
    Check {
        name: "The listings of the order service equal those of the ticket service",
        sql: r#"SELECT format('listing %s: version %s here, %s there', coalesce(t.id, c.id), t.version, c.version)
                FROM ticket.listing t FULL JOIN "order".listing c ON c.id = t.id
                WHERE (t.version, t.seller_id, t.title, t.amount, t.currency, t.starts_at, t.order_window_seconds,
                    t.withdrawn_at, t.wanted) IS NOT (c.version, c.seller_id, c.title, c.amount, c.currency,
                    c.starts_at, c.order_window_seconds, c.withdrawn_at, c.wanted)"#,
    },
    Check {
        name: "The orders of the ticket service equal those of the order service",
        sql: r#"SELECT format('order %s: %s %s here, %s %s there', coalesce(o.id, h.order_id), o.status, o.version,
                    h.status, h.version)
                FROM "order"."order" o FULL JOIN ticket.hold h ON h.order_id = o.id
                WHERE (o.version, o.status, o.ticket_id, o.quantity)
                    IS NOT (h.version, h.status, h.ticket_id, h.quantity)"#,
    },
    Check {
        name: "The held and sold counts of the ticket service equal those of the order service",
        sql: r#"SELECT format('listing %s: %d held and %d sold in order, %d and %d in ticket',
                    coalesce(l.id, s.ticket_id),
                    l.held, l.sold, s.held, s.sold)
                FROM "order".listing l FULL JOIN ticket.stock s ON s.ticket_id = l.id
                WHERE (coalesce(l.held, 0), coalesce(l.sold, 0)) IS NOT (coalesce(s.held, 0), coalesce(s.sold, 0))"#,
    },
    Check {
        name: "The orders of the payment service equal those of the order service",
        sql: r#"SELECT format('order %s: %s %s here, %s %s there', coalesce(o.id, b.order_id), o.status, o.version,
                    b.status, b.version)
                FROM "order"."order" o FULL JOIN payment.bill b ON b.order_id = o.id
                WHERE (o.version, o.status, o.cancel_reason, o.buyer_id, o.currency, o.amount * o.quantity,
                    o.expires_at, o.payment_id) IS NOT (b.version, b.status, b.cancel_reason, b.buyer_id, b.currency,
                    b.amount, b.expires_at, b.payment_id)"#,
    },
    Check {
        name: "The deadlines and ends of orders in the expiration service equal those of the order service",
        sql: r#"SELECT format('order %s: %s (%s) version %s until %s here, %s (%s) version %s until %s there',
                    coalesce(o.id, t.order_id), o.status, o.cancel_reason, o.version, o.expires_at, t.state,
                    t.stopped_by, t.order_version, t.deadline)
                FROM "order"."order" o FULL JOIN expiration.timer t ON t.order_id = o.id
                WHERE (o.version, o.buyer_id, o.expires_at) IS NOT (t.order_version, t.buyer_id, t.deadline)
                    OR (CASE WHEN o.cancel_reason = 'expired' THEN t.state <> 'expired'
                        WHEN o.status = 'created' THEN t.state = 'stopped'
                        ELSE t.stopped_by IS NOT o.status END)"#,
    },
    Check {
        name: "Every complete order was paid exactly once",
        sql: r#"SELECT format('order %s is complete, with %d captured payments', o.id, count(p.id))
                FROM "order"."order" o LEFT JOIN payment.payment p ON p.order_id = o.id AND p.status = 'captured'
                WHERE o.status = 'complete' GROUP BY o.id HAVING count(p.id) <> 1"#,
    },
    Check {
        name: "Every captured payment belongs to a complete order",
        sql: r#"SELECT format('payment %s is captured, its order %s is %s', p.id, p.order_id,
                    coalesce(o.status, 'unknown'))
                FROM payment.payment p LEFT JOIN "order"."order" o ON o.id = p.order_id
                WHERE p.status = 'captured' AND o.status IS NOT 'complete'"#,
    },
    Check {
        name: "Every captured payment has the amount, currency and id of its order",
        sql: r#"SELECT format('payment %s captured %d %s, order %s costs %d %s and names %s', p.id,
                    p.amount, p.currency,
                    o.id, o.amount * o.quantity, o.currency, o.payment_id)
                FROM payment.payment p JOIN "order"."order" o ON o.id = p.order_id
                WHERE p.status = 'captured' AND (p.amount, p.currency, p.id, p.buyer_id)
                    IS NOT (o.amount * o.quantity, o.currency, o.payment_id, o.buyer_id)"#,
    },
    Check {
        name: "No payment is left open",
        sql: "SELECT format('payment %s of order %s is %s', id, order_id, status) FROM payment.payment
              WHERE status NOT IN ('captured', 'voided', 'failed')",
    },
    Check {
        name: "No payment is in trouble",
        sql: "SELECT format('payment %s: %s', id, trouble) FROM payment.payment WHERE trouble IS NOT NULL",
    },
    Check {
        name: "Every buyer and every seller has an account",
        sql: r#"SELECT format('%s has no account', id) FROM
                (SELECT buyer_id AS id FROM "order"."order" UNION SELECT seller_id FROM ticket.listing)
                WHERE id NOT IN (SELECT id FROM auth.users)"#,
    },
    Check {
        name: "Every ticket of a complete order has an admission, no other has one, and those refunded are void",
        sql: r#"SELECT format('order %s is %s, for %d tickets, %d refunded: %d admissions, %d refunded',
                    coalesce(o.id, a.order_id), o.status, o.quantity, o.refunded_quantity, a.issued, a.refunded)
                FROM "order"."order" o FULL JOIN (SELECT order_id, count(*) AS issued, max(number) AS last,
                        sum(void_reason IS 'refund') AS refunded FROM ticket.admission GROUP BY order_id) a
                    ON a.order_id = o.id
                WHERE (iif(o.status = 'complete', o.quantity, 0), iif(o.status = 'complete', o.quantity, 0),
                        o.refunded_quantity)
                    IS NOT (coalesce(a.issued, 0), coalesce(a.last, 0), coalesce(a.refunded, 0))"#,
    },
    Check {
        // The last change of an order without refunds and disputes is its completion.
        name: "Every ticket that was used was sold, and its order was complete by then",
        sql: r#"SELECT format('admission %s was used at %d; it was issued at %d, its order %s is %s since %d', a.id,
                    a.used_at, a.issued_at, a.order_id, coalesce(o.status, 'unknown'), o.updated_at)
                FROM ticket.admission a LEFT JOIN "order"."order" o ON o.id = a.order_id AND o.ticket_id = a.ticket_id
                WHERE a.used_at IS NOT NULL AND (o.status IS NOT 'complete' OR a.used_at < a.issued_at
                    OR o.refunded_quantity = 0 AND o.refunded_amount = 0 AND o.dispute_status IS NULL
                        AND a.used_at < o.updated_at)"#,
    },
    Check {
        name: "No void ticket was used",
        sql: "SELECT format('admission %s is void (%s), and was used at %d', id, void_reason, used_at)
              FROM ticket.admission WHERE void_reason IS NOT NULL AND change = 'used'",
    },
    Check {
        name: "Every event was published",
        sql: r#"SELECT format('%d messages wait in the outbox of %s', count(*), service) FROM
                (SELECT 'auth' AS service FROM auth.outbox UNION ALL SELECT 'ticket' FROM ticket.outbox
                 UNION ALL SELECT 'order' FROM "order".outbox UNION ALL SELECT 'expiration' FROM expiration.outbox
                 UNION ALL SELECT 'payment' FROM payment.outbox UNION ALL SELECT 'notification' FROM notification.outbox)
                GROUP BY service"#,
    },
];

pub(super) const STRIPE: &[Check] = &[
    Check {
        name: "Stripe captured the amounts of captured payments, and no others",
        sql: "SELECT format('intent %s captured %d %s, payment %s is %s with %s %s', i.id, i.received, i.currency,
                    i.payment_id, coalesce(p.status, 'unknown'), p.amount, p.currency)
                FROM intent i LEFT JOIN payment.payment p ON p.intent_id = i.id AND p.status = 'captured'
                WHERE i.status = 'succeeded' AND (i.received, i.currency, i.payment_id, i.order_id)
                    IS NOT (p.amount, p.currency, p.id, p.order_id)",
    },
    Check {
        name: "Every captured payment was captured by Stripe",
        sql: "SELECT format('payment %s is captured, its intent %s is %s', p.id, p.intent_id,
                  coalesce(i.status, 'unknown'))
              FROM payment.payment p LEFT JOIN intent i ON i.id = p.intent_id
              WHERE p.status = 'captured' AND p.amount > 0 AND i.status IS NOT 'succeeded'",
    },
    Check {
        name: "Stripe captured one payment for each paid order, and for complete orders only",
        sql: r#"SELECT format('order %s is %s, and Stripe captured %d payments for it', i.order_id,
                    coalesce(o.status, 'unknown'), count(*))
                FROM intent i LEFT JOIN "order"."order" o ON o.id = i.order_id
                WHERE i.status = 'succeeded' GROUP BY i.order_id
                HAVING count(*) <> 1 OR o.status IS NOT 'complete'"#,
    },
    Check {
        name: "No authorisation is left open",
        sql: "SELECT format('intent %s of order %s is %s', id, order_id, status) FROM intent
              WHERE status IN ('requires_capture', 'processing')",
    },
];
