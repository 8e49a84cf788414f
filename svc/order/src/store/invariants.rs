//! The invariants of the database.

use db::admin::Invariant;

/// The statements that `check` runs. Each returns the rows that violate its invariant.
pub(crate) const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "the stock counts the tickets that orders hold and have bought",
        // One pass over the orders: for each listing, they are in no index.
        sql: r#"SELECT l.id, l.held, l.sold, o.open, o.paid
                FROM listing l
                LEFT JOIN (SELECT ticket_id,
                                  sum(iif(status IN ('created', 'awaiting:payment'), quantity, 0)) AS open,
                                  sum(iif(status = 'complete', quantity - returned_quantity, 0)) AS paid
                           FROM "order" GROUP BY ticket_id) o ON o.ticket_id = l.id
                WHERE l.held <> coalesce(o.open, 0) OR l.sold <> coalesce(o.paid, 0)"#,
    },
    Invariant {
        name: "a listing has as many tickets as the seller wants to sell, or as are held and sold",
        sql: "SELECT id, wanted, quantity, held, sold FROM listing WHERE quantity <> max(wanted, held + sold)",
    },
    Invariant {
        name: "the open orders of a withdrawn listing are about to be cancelled",
        sql: r#"SELECT o.id FROM "order" o JOIN listing l ON l.id = o.ticket_id
                WHERE l.withdrawn_at IS NOT NULL AND o.status = 'created'
                  AND l.id NOT IN (SELECT ticket_id FROM withdrawal WHERE done = 0)"#,
    },
    Invariant {
        name: "an order counts the tickets of its refunds",
        sql: r#"SELECT o.id, o.claimed_quantity, o.refunded_quantity, o.returned_quantity, r.claimed, r.paid, r.returned
                FROM "order" o
                LEFT JOIN (SELECT order_id, sum(claimed) AS claimed,
                                  sum(quantity) FILTER (WHERE status = 'paid') AS paid,
                                  sum(quantity) FILTER (WHERE returned) AS returned
                           FROM refund GROUP BY order_id) r ON r.order_id = o.id
                WHERE o.claimed_quantity <> coalesce(r.claimed, 0) OR o.refunded_quantity <> coalesce(r.paid, 0)
                   OR o.returned_quantity <> coalesce(r.returned, 0)"#,
    },
    Invariant {
        name: "only paid orders have refunds",
        sql: r#"SELECT r.id FROM refund r JOIN "order" o ON o.id = r.order_id WHERE o.status <> 'complete'"#,
    },
    Invariant {
        name: "the unpaid orders of each buyer are counted",
        sql: r#"SELECT buyer_id, o.orders, b.orders AS counted
                FROM (SELECT buyer_id, count(*) AS orders FROM "order" WHERE status = 'created' GROUP BY buyer_id) o
                FULL JOIN buyer_open_orders b USING (buyer_id) WHERE coalesce(o.orders, 0) IS NOT b.orders"#,
    },
    Invariant {
        name: "the tickets of each buyer are counted",
        sql: r#"SELECT ticket_id, buyer_id, o.tickets, b.tickets AS counted
                FROM (SELECT ticket_id, buyer_id, sum(quantity - returned_quantity) AS tickets
                      FROM "order" WHERE status <> 'cancelled' GROUP BY 1, 2) o
                FULL JOIN buyer_tickets b USING (ticket_id, buyer_id) WHERE coalesce(o.tickets, 0) IS NOT b.tickets"#,
    },
    Invariant {
        name: "the tally counts the orders",
        sql: r#"SELECT status, reason, o.orders, t.orders AS counted, o.tickets, t.tickets AS counted_tickets
                FROM (SELECT status, coalesce(cancel_reason, '') AS reason, count(*) AS orders, sum(quantity) AS tickets
                      FROM "order" GROUP BY 1, 2) o
                FULL JOIN tally t USING (status, reason)
                WHERE coalesce(o.orders, 0) IS NOT t.orders OR coalesce(o.tickets, 0) IS NOT t.tickets"#,
    },
];
