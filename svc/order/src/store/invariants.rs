//! The invariants of the database.

use db::admin::{Invariant, Part, Scope, Sums};

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
        scope: Scope::Key(Sums {
            parts: &[
                Part {
                    table: "order",
                    key: &["ticket_id"],
                    numbers: &[
                        "iif(status IN ('created', 'awaiting:payment'), quantity, 0)",
                        "iif(status = 'complete', quantity - returned_quantity, 0)",
                    ],
                },
                Part {
                    table: "listing",
                    key: &["id"],
                    numbers: &["-held", "-sold"],
                },
            ],
            // Each condition on the status is that of an index.
            of_key: Some(
                r#"SELECT l.id, l.held, l.sold, o.open, o.paid
                   FROM listing l,
                        (SELECT coalesce(sum(iif(status = 'complete', 0, quantity)), 0) AS open,
                                coalesce(sum(iif(status = 'complete', quantity - returned_quantity, 0)), 0) AS paid
                         FROM (SELECT status, quantity, returned_quantity FROM "order"
                               WHERE ticket_id = ?1 AND status = 'created'
                               UNION ALL
                               SELECT status, quantity, returned_quantity FROM "order"
                               WHERE ticket_id = ?1 AND status IN ('awaiting:payment', 'complete'))) o
                   WHERE l.id = ?1 AND (l.held <> o.open OR l.sold <> o.paid)"#,
            ),
        }),
    },
    Invariant {
        name: "a listing has as many tickets as the seller wants to sell, or as are held and sold",
        sql: "SELECT id, wanted, quantity, held, sold FROM listing
              WHERE rowid BETWEEN ?1 AND ?2 AND quantity <> max(wanted, held + sold)",
        scope: Scope::Row("listing"),
    },
    Invariant {
        name: "the open orders of a withdrawn listing are about to be cancelled",
        sql: r#"SELECT o.id FROM listing l CROSS JOIN "order" o ON o.ticket_id = l.id AND o.status = 'created'
                WHERE l.rowid BETWEEN ?1 AND ?2 AND l.withdrawn_at IS NOT NULL
                  AND NOT EXISTS (SELECT 1 FROM withdrawal w WHERE w.ticket_id = l.id AND w.done = 0)"#,
        scope: Scope::Row("listing"),
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
        scope: Scope::Key(Sums {
            parts: &[
                Part {
                    table: "refund",
                    key: &["order_id"],
                    numbers: &[
                        "claimed",
                        "iif(status = 'paid', quantity, 0)",
                        "iif(returned, quantity, 0)",
                    ],
                },
                Part {
                    table: "order",
                    key: &["id"],
                    numbers: &["-claimed_quantity", "-refunded_quantity", "-returned_quantity"],
                },
            ],
            of_key: Some(
                r#"SELECT o.id, o.claimed_quantity, o.refunded_quantity, o.returned_quantity, r.claimed, r.paid, r.returned
                   FROM "order" o,
                        (SELECT coalesce(sum(claimed), 0) AS claimed,
                                coalesce(sum(quantity) FILTER (WHERE status = 'paid'), 0) AS paid,
                                coalesce(sum(quantity) FILTER (WHERE returned), 0) AS returned
                         FROM refund WHERE order_id = ?1) r
                   WHERE o.id = ?1 AND (o.claimed_quantity <> r.claimed OR o.refunded_quantity <> r.paid
                                        OR o.returned_quantity <> r.returned)"#,
            ),
        }),
    },
    Invariant {
        name: "only paid orders have refunds",
        sql: r#"SELECT r.id FROM refund r CROSS JOIN "order" o ON o.id = r.order_id
                WHERE r.rowid BETWEEN ?1 AND ?2 AND o.status <> 'complete'"#,
        scope: Scope::Row("refund"),
    },
    Invariant {
        name: "the unpaid orders of each buyer are counted",
        sql: r#"SELECT buyer_id, o.orders, b.orders AS counted
                FROM (SELECT buyer_id, count(*) AS orders FROM "order" WHERE status = 'created' GROUP BY buyer_id) o
                FULL JOIN buyer_open_orders b USING (buyer_id) WHERE coalesce(o.orders, 0) IS NOT b.orders"#,
        scope: Scope::Key(Sums {
            parts: &[
                Part {
                    table: "order",
                    key: &["buyer_id"],
                    numbers: &["status = 'created'"],
                },
                Part {
                    table: "buyer_open_orders",
                    key: &["buyer_id"],
                    numbers: &["-orders"],
                },
            ],
            of_key: Some(
                r#"SELECT ?1 AS buyer_id, orders, counted
                   FROM (SELECT (SELECT count(*) FROM "order" WHERE buyer_id = ?1 AND status = 'created') AS orders,
                                (SELECT orders FROM buyer_open_orders WHERE buyer_id = ?1) AS counted)
                   WHERE orders <> coalesce(counted, 0)"#,
            ),
        }),
    },
    Invariant {
        name: "the tickets of each buyer are counted",
        sql: r#"SELECT ticket_id, buyer_id, o.tickets, b.tickets AS counted
                FROM (SELECT ticket_id, buyer_id, sum(quantity - returned_quantity) AS tickets
                      FROM "order" WHERE status <> 'cancelled' GROUP BY 1, 2) o
                FULL JOIN buyer_tickets b USING (ticket_id, buyer_id)
                WHERE coalesce(o.tickets, 0) IS NOT coalesce(b.tickets, 0)"#,
        scope: Scope::Key(Sums {
            parts: &[
                Part {
                    table: "order",
                    key: &["ticket_id", "buyer_id"],
                    numbers: &["iif(status = 'cancelled', 0, quantity - returned_quantity)"],
                },
                Part {
                    table: "buyer_tickets",
                    key: &["ticket_id", "buyer_id"],
                    numbers: &["-tickets"],
                },
            ],
            of_key: Some(
                r#"SELECT ?1 AS ticket_id, ?2 AS buyer_id, tickets, counted
                   FROM (SELECT (SELECT coalesce(sum(quantity - returned_quantity), 0) FROM "order"
                                 WHERE +ticket_id = ?1 AND buyer_id = ?2 AND +status <> 'cancelled') AS tickets,
                                (SELECT tickets FROM buyer_tickets WHERE ticket_id = ?1 AND buyer_id = ?2) AS counted)
                   WHERE tickets <> coalesce(counted, 0)"#,
            ),
        }),
    },
    Invariant {
        name: "the tally counts the orders",
        sql: r#"SELECT status, reason, o.orders, t.orders AS counted, o.tickets, t.tickets AS counted_tickets
                FROM (SELECT status, coalesce(cancel_reason, '') AS reason, count(*) AS orders, sum(quantity) AS tickets
                      FROM "order" GROUP BY 1, 2) o
                FULL JOIN tally t USING (status, reason)
                WHERE coalesce(o.orders, 0) IS NOT t.orders OR coalesce(o.tickets, 0) IS NOT t.tickets"#,
        scope: Scope::Key(Sums {
            parts: &[
                Part {
                    table: "order",
                    key: &["status", "coalesce(cancel_reason, '')"],
                    numbers: &["1", "quantity"],
                },
                Part {
                    table: "tally",
                    key: &["status", "reason"],
                    numbers: &["-orders", "-tickets"],
                },
            ],
            of_key: None,
        }),
    },
];
