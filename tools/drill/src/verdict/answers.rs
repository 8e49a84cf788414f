//! What must be true of every answer that somebody got: rows of the answer's number, its moment, its service, and why it
//! is not true.

use super::Truth;

/// The record as a table beside the databases.
pub(super) const TABLES: &str = "
CREATE TABLE answer (
    n        INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    who      TEXT NOT NULL,
    user     TEXT,
    op       TEXT NOT NULL,
    service  TEXT NOT NULL,
    key      TEXT,
    asked    TEXT NOT NULL,
    status   INTEGER,
    said     TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    -- What is read most.
    id       TEXT AS (coalesce(said ->> 'id', asked ->> 'id')) STORED,
    state    TEXT AS (said ->> 'status') STORED,
    version  INTEGER AS (said ->> 'version') STORED
);
CREATE INDEX answer_by_op ON answer (op, status);
CREATE TABLE intent (
    id TEXT PRIMARY KEY, status TEXT, received INTEGER, currency TEXT, payment_id TEXT, order_id TEXT
);
CREATE INDEX intent_by_order ON intent (order_id);
-- The most that a seller ever asked for, also in requests that got no answer.
CREATE TEMP VIEW most_wanted AS
SELECT id AS ticket_id, max(most) AS most FROM (
    SELECT id, CAST(asked ->> 'quantity' AS INTEGER) AS most FROM answer
    WHERE op IN ('createTicket', 'changeTicket') AND id IS NOT NULL
    UNION ALL SELECT id, wanted FROM ticket.listing
) GROUP BY id;
";

pub(super) const ALL: &[Truth] = &[
    Truth {
        name: "Whoever was let in has an account",
        sql: "SELECT a.n, a.at, a.service, format('%s, %s of %s, is nobody', a.who, a.id, a.op)
              FROM answer a LEFT JOIN auth.users u ON u.id = a.id AND u.email = a.said ->> 'email'
              WHERE a.op IN ('signUp', 'signIn', 'refresh', 'currentUser') AND a.status IN (200, 201) AND u.id IS NULL",
    },
    Truth {
        name: "Every listing that was listed, changed or shown is there, at that version or a later one",
        sql: "SELECT a.n, a.at, a.service, format('%s of %s at version %d; it is at %s', a.op, a.id, a.version, l.version)
              FROM answer a LEFT JOIN ticket.listing l ON l.id = a.id AND l.seller_id = a.said ->> 'sellerId'
              WHERE a.op IN ('createTicket', 'changeTicket', 'getTicket') AND a.status IN (200, 201)
                  AND (l.id IS NULL OR l.version < a.version)",
    },
    Truth {
        name: "A listing that nobody changed since is as it was answered",
        sql: "SELECT a.n, a.at, a.service, format('%s of %s: %s', a.op, a.id, a.said)
              FROM answer a JOIN ticket.listing l ON l.id = a.id AND l.version = a.version
              WHERE a.op IN ('createTicket', 'changeTicket', 'getTicket') AND a.status IN (200, 201)
                  AND ((a.said ->> '$.price.amount', a.said ->> '$.price.currency', a.said ->> 'orderWindowSeconds')
                      IS NOT (l.amount, l.currency, l.order_window_seconds)
                      OR a.op <> 'getTicket' AND a.asked ->> 'quantity' <> l.wanted
                      OR (a.state = 'withdrawn') <> (l.withdrawn_at IS NOT NULL))",
    },
    Truth {
        name: "A listing that was answered as withdrawn is withdrawn",
        sql: "SELECT a.n, a.at, a.service, format('listing %s is on sale', a.id)
              FROM answer a LEFT JOIN ticket.listing l ON l.id = a.id
              WHERE a.op = 'withdrawTicket' AND a.status = 204 AND l.withdrawn_at IS NULL",
    },
    Truth {
        name: "Every order that was answered is there, with that buyer, ticket, quantity and total",
        sql: r#"SELECT a.n, a.at, a.service, format('%s %s by %s: %s', a.op, a.id, a.user, a.said)
                FROM answer a LEFT JOIN "order"."order" o ON o.id = a.id
                WHERE a.op IN ('placeOrder', 'getOrder') AND a.status IN (200, 201)
                    AND (a.user, a.said ->> 'ticketId', a.said ->> 'quantity', a.said ->> '$.total.amount',
                        a.said ->> '$.total.currency')
                    IS NOT (o.buyer_id, o.ticket_id, o.quantity, o.amount * o.quantity, o.currency)"#,
    },
    Truth {
        name: "Whoever ordered got what they asked for",
        sql: "SELECT a.n, a.at, a.service, format('asked %s, got %s', a.asked, a.said) FROM answer a
              WHERE a.op = 'placeOrder' AND a.status = 201 AND (a.asked ->> 'ticketId', a.asked ->> 'quantity')
                  IS NOT (a.said ->> 'ticketId', a.said ->> 'quantity')",
    },
    Truth {
        name: "An order that was answered as complete or as cancelled is so, for that reason",
        sql: r#"SELECT a.n, a.at, a.service, format('order %s was %s (%s); it is %s (%s)', a.id, a.state,
                    a.said ->> 'cancelReason', o.status, o.cancel_reason)
                FROM answer a LEFT JOIN "order"."order" o ON o.id = a.id
                WHERE a.op = 'getOrder' AND a.status = 200 AND a.state IN ('complete', 'cancelled')
                    AND (a.state, a.said ->> 'cancelReason', a.said ->> 'paymentId')
                    IS NOT (o.status, o.cancel_reason, o.payment_id)"#,
    },
    Truth {
        name: "An order that was answered as confirmed ended with its payment",
        sql: r#"SELECT a.n, a.at, a.service, format('order %s was to be paid by %s; it is %s (%s) by %s', a.id,
                    a.said ->> 'paymentId', o.status, o.cancel_reason, o.payment_id)
                FROM answer a LEFT JOIN "order"."order" o ON o.id = a.id
                WHERE a.op = 'getOrder' AND a.status = 200 AND a.state = 'awaiting:payment'
                    AND (o.payment_id IS NOT a.said ->> 'paymentId'
                        OR o.status = 'cancelled' AND o.cancel_reason <> 'payment-failed')"#,
    },
    Truth {
        name: "An order that its buyer was told to be cancelled is cancelled",
        sql: r#"SELECT a.n, a.at, a.service, format('order %s is %s', a.id, coalesce(o.status, 'gone'))
                FROM answer a LEFT JOIN "order"."order" o ON o.id = a.id
                WHERE a.op = 'cancelOrder' AND a.status = 204 AND o.status IS NOT 'cancelled'"#,
    },
    Truth {
        name: "Whoever was refused an order has none for it",
        sql: r#"SELECT a.n, a.at, a.service, format('%d for key %s, which has %s', a.status, a.key, k.status)
                FROM answer a JOIN "order".idempotency k
                    ON k.operation = 'placeOrder' AND k.client = a.user AND k.key = a.key
                WHERE a.op = 'placeOrder' AND a.status BETWEEN 400 AND 499 AND k.status = 201"#,
    },
    Truth {
        name: "Every payment that was answered is there, with that order, buyer and amount",
        sql: "SELECT a.n, a.at, a.service, format('%s %s by %s: %s', a.op, a.id, a.user, a.said)
              FROM answer a LEFT JOIN payment.payment p ON p.id = a.id
              WHERE a.op IN ('payOrder', 'getPayment') AND a.status IN (200, 201)
                  AND (a.user, a.said ->> 'orderId', a.said ->> '$.amount.amount', a.said ->> '$.amount.currency')
                  IS NOT (p.buyer_id, p.order_id, p.amount, p.currency)",
    },
    Truth {
        name: "A payment that was answered as ended is so",
        sql: "SELECT a.n, a.at, a.service, format('payment %s was %s; it is %s', a.id, a.state, p.status)
              FROM answer a LEFT JOIN payment.payment p ON p.id = a.id
              WHERE a.op IN ('payOrder', 'getPayment') AND a.status IN (200, 201)
                  AND a.state IN ('captured', 'voided', 'failed') AND p.status IS NOT a.state",
    },
    Truth {
        name: "A payment that was authorised was captured for a complete order, or let go",
        sql: r#"SELECT a.n, a.at, a.service, format('payment %s was %s; it is %s, order %s is %s', a.id, a.state, p.status,
                    a.said ->> 'orderId', coalesce(o.status, 'gone'))
                FROM answer a LEFT JOIN payment.payment p ON p.id = a.id
                    LEFT JOIN "order"."order" o ON o.id = a.said ->> 'orderId'
                WHERE a.op IN ('payOrder', 'getPayment') AND a.status IN (200, 201) AND a.state = 'authorized'
                    AND (p.status = 'captured') IS NOT (o.status = 'complete' AND o.payment_id = a.id)"#,
    },
    Truth {
        name: "Whoever was refused a payment was not charged for it",
        sql: "SELECT a.n, a.at, a.service, format('%d for key %s, whose payment %s is %s', a.status, a.key, p.id, p.status)
              FROM answer a JOIN payment.payment p ON p.buyer_id = a.user AND p.idempotency_key = a.key
              WHERE a.op = 'payOrder' AND a.status BETWEEN 400 AND 499
                  AND (p.status = 'captured' OR a.status = 402 AND p.status NOT IN ('failed', 'voided'))",
    },
];
