//! Conditions of every recorded response. A query returns the number, time and service of the response, and the reason.

use super::report::Check;

/// The tables for the record and for the payment intents.
pub(super) const TABLES: &str = "
CREATE TABLE response (
    n         INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    account   TEXT NOT NULL,
    user_id   TEXT,
    operation TEXT NOT NULL,
    service   TEXT NOT NULL,
    key       TEXT,
    request   TEXT NOT NULL,
    status    INTEGER,
    fields    TEXT NOT NULL,
    attempts  INTEGER NOT NULL,
    -- Fields that many checks read.
    id        TEXT AS (coalesce(fields ->> 'id', request ->> 'id')) STORED,
    state     TEXT AS (fields ->> 'status') STORED,
    version   INTEGER AS (fields ->> 'version') STORED
);
CREATE INDEX response_by_operation ON response (operation, status);
CREATE TABLE intent (
    id TEXT PRIMARY KEY, status TEXT, received INTEGER, currency TEXT, payment_id TEXT, order_id TEXT
);
CREATE INDEX intent_by_order ON intent (order_id);
-- The largest quantity that a seller requested, including requests without a response.
CREATE TEMP VIEW largest_offer AS
SELECT id AS ticket_id, max(most) AS most FROM (
    SELECT id, CAST(request ->> 'quantity' AS INTEGER) AS most FROM response
    WHERE operation IN ('createTicket', 'changeTicket') AND id IS NOT NULL
    UNION ALL SELECT id, wanted FROM ticket.listing
) GROUP BY id;
";

pub(super) const ALL: &[Check] = &[
    Check {
        name: "Every signed-in user has an account",
        sql: "SELECT r.n, r.at, r.service, format('%s, %s of %s, has no account', r.account, r.id, r.operation)
              FROM response r LEFT JOIN auth.users u ON u.id = r.id AND u.email = r.fields ->> 'email'
              WHERE r.operation IN ('signUp', 'signIn', 'refresh', 'currentUser') AND r.status IN (200, 201)
                  AND u.id IS NULL",
    },
    Check {
        name: "Every listing in a response exists, at that version or a later one",
        sql: "SELECT r.n, r.at, r.service, format('%s of %s at version %d; it is at %s', r.operation, r.id, r.version,
                  l.version)
              FROM response r LEFT JOIN ticket.listing l ON l.id = r.id AND l.seller_id = r.fields ->> 'sellerId'
              WHERE r.operation IN ('createTicket', 'changeTicket', 'getTicket') AND r.status IN (200, 201)
                  AND (l.id IS NULL OR l.version < r.version)",
    },
    Check {
        name: "A listing of an unchanged version equals the response",
        sql: "SELECT r.n, r.at, r.service, format('%s of %s: %s', r.operation, r.id, r.fields)
              FROM response r JOIN ticket.listing l ON l.id = r.id AND l.version = r.version
              WHERE r.operation IN ('createTicket', 'changeTicket', 'getTicket') AND r.status IN (200, 201)
                  AND ((r.fields ->> '$.price.amount', r.fields ->> '$.price.currency',
                      r.fields ->> 'orderWindowSeconds')
                      IS NOT (l.amount, l.currency, l.order_window_seconds)
                      OR r.operation <> 'getTicket' AND r.request ->> 'quantity' <> l.wanted
                      OR (r.state = 'withdrawn') <> (l.withdrawn_at IS NOT NULL))",
    },
    Check {
        name: "A listing that was withdrawn stays withdrawn",
        sql: "SELECT r.n, r.at, r.service, format('listing %s is on sale', r.id)
              FROM response r LEFT JOIN ticket.listing l ON l.id = r.id
              WHERE r.operation = 'withdrawTicket' AND r.status = 204 AND l.withdrawn_at IS NULL",
    },
    Check {
        name: "Every order in a response exists, with its buyer, ticket, quantity and total",
        sql: r#"SELECT r.n, r.at, r.service, format('%s %s by %s: %s', r.operation, r.id, r.user_id, r.fields)
                FROM response r LEFT JOIN "order"."order" o ON o.id = r.id
                WHERE r.operation IN ('placeOrder', 'getOrder') AND r.status IN (200, 201)
                    AND (r.user_id, r.fields ->> 'ticketId', r.fields ->> 'quantity', r.fields ->> '$.total.amount',
                        r.fields ->> '$.total.currency')
                    IS NOT (o.buyer_id, o.ticket_id, o.quantity, o.amount * o.quantity, o.currency)"#,
    },
    Check {
        name: "A new order has the requested ticket and quantity",
        sql: "SELECT r.n, r.at, r.service, format('requested %s, got %s', r.request, r.fields) FROM response r
              WHERE r.operation = 'placeOrder' AND r.status = 201
                  AND (r.request ->> 'ticketId', r.request ->> 'quantity')
                  IS NOT (r.fields ->> 'ticketId', r.fields ->> 'quantity')",
    },
    Check {
        name: "An order that was complete or cancelled stays so, for the same reason",
        sql: r#"SELECT r.n, r.at, r.service, format('order %s was %s (%s); it is %s (%s)', r.id, r.state,
                    r.fields ->> 'cancelReason', o.status, o.cancel_reason)
                FROM response r LEFT JOIN "order"."order" o ON o.id = r.id
                WHERE r.operation = 'getOrder' AND r.status = 200 AND r.state IN ('complete', 'cancelled')
                    AND (r.state, r.fields ->> 'cancelReason', r.fields ->> 'paymentId')
                    IS NOT (o.status, o.cancel_reason, o.payment_id)"#,
    },
    Check {
        name: "An order that was confirmed ended with its payment",
        sql: r#"SELECT r.n, r.at, r.service, format('order %s was to be paid by %s; it is %s (%s) by %s', r.id,
                    r.fields ->> 'paymentId', o.status, o.cancel_reason, o.payment_id)
                FROM response r LEFT JOIN "order"."order" o ON o.id = r.id
                WHERE r.operation = 'getOrder' AND r.status = 200 AND r.state = 'awaiting:payment'
                    AND (o.payment_id IS NOT r.fields ->> 'paymentId'
                        OR o.status = 'cancelled' AND o.cancel_reason <> 'payment-failed')"#,
    },
    Check {
        name: "An order that its buyer cancelled is cancelled",
        sql: r#"SELECT r.n, r.at, r.service, format('order %s is %s', r.id, coalesce(o.status, 'missing'))
                FROM response r LEFT JOIN "order"."order" o ON o.id = r.id
                WHERE r.operation = 'cancelOrder' AND r.status = 204 AND o.status IS NOT 'cancelled'"#,
    },
    Check {
        name: "A refused order request created no order",
        sql: r#"SELECT r.n, r.at, r.service, format('%d for key %s, which has %s', r.status, r.key, k.status)
                FROM response r JOIN "order".idempotency k
                    ON k.operation = 'placeOrder' AND k.client = r.user_id AND k.key = r.key
                WHERE r.operation = 'placeOrder' AND r.status BETWEEN 400 AND 499 AND k.status = 201"#,
    },
    Check {
        name: "Nobody is admitted twice with one ticket",
        sql: "SELECT r.n, r.at, r.service, format('admission %s admitted %d people: %s', r.fields ->> 'admissionId',
                  count(*), group_concat(r.key, ', '))
              FROM response r WHERE r.operation = 'checkIn' AND r.status = 200
              GROUP BY r.fields ->> 'admissionId' HAVING count(*) > 1",
    },
    Check {
        name: "Every check-in in a response is stored, for the requested ticket",
        sql: "SELECT r.n, r.at, r.service, format('admission %s of %s was used at %s; it was at %s', r.request, r.id,
                  r.fields ->> 'usedAt', strftime('%FT%H:%M:%fZ', a.used_at / 1000.0, 'unixepoch'))
              FROM response r LEFT JOIN ticket.admission a ON a.id = r.fields ->> 'admissionId'
              WHERE r.operation = 'checkIn' AND r.status = 200
                  AND (r.request ->> 'admissionId', r.id, r.fields ->> 'usedAt')
                  IS NOT (a.id, a.ticket_id, strftime('%FT%H:%M:%fZ', a.used_at / 1000.0, 'unixepoch'))",
    },
    Check {
        name: "A refused check-in used no ticket",
        sql: "SELECT r.n, r.at, r.service, format('%d for key %s, which has %s', r.status, r.key, k.status)
              FROM response r JOIN ticket.idempotency k ON k.operation = 'checkIn' AND k.key = r.key
              WHERE r.operation = 'checkIn' AND r.status BETWEEN 400 AND 499 AND k.status = 200",
    },
    Check {
        name: "A ticket that was refused because it was used is used",
        sql: "SELECT r.n, r.at, r.service, format('admission %s is %s', r.request ->> 'admissionId', a.state)
              FROM response r LEFT JOIN ticket.admission a ON a.id = r.request ->> 'admissionId'
              WHERE r.operation = 'checkIn' AND r.status = 409 AND r.fields ->> 'code' = 'already-admitted'
                  AND a.used_at IS NULL",
    },
    Check {
        name: "Every payment in a response exists, with its order, buyer and amount",
        sql: "SELECT r.n, r.at, r.service, format('%s %s by %s: %s', r.operation, r.id, r.user_id, r.fields)
              FROM response r LEFT JOIN payment.payment p ON p.id = r.id
              WHERE r.operation IN ('payOrder', 'getPayment') AND r.status IN (200, 201)
                  AND (r.user_id, r.fields ->> 'orderId', r.fields ->> '$.amount.amount',
                      r.fields ->> '$.amount.currency')
                  IS NOT (p.buyer_id, p.order_id, p.amount, p.currency)",
    },
    Check {
        name: "A payment that had ended keeps its status",
        sql: "SELECT r.n, r.at, r.service, format('payment %s was %s; it is %s', r.id, r.state, p.status)
              FROM response r LEFT JOIN payment.payment p ON p.id = r.id
              WHERE r.operation IN ('payOrder', 'getPayment') AND r.status IN (200, 201)
                  AND r.state IN ('captured', 'voided', 'failed') AND p.status IS NOT r.state",
    },
    Check {
        name: "An authorised payment was captured for a complete order, or voided",
        sql: r#"SELECT r.n, r.at, r.service, format('payment %s was %s; it is %s, order %s is %s', r.id, r.state,
                    p.status,
                    r.fields ->> 'orderId', coalesce(o.status, 'missing'))
                FROM response r LEFT JOIN payment.payment p ON p.id = r.id
                    LEFT JOIN "order"."order" o ON o.id = r.fields ->> 'orderId'
                WHERE r.operation IN ('payOrder', 'getPayment') AND r.status IN (200, 201) AND r.state = 'authorized'
                    AND (p.status = 'captured') IS NOT (o.status = 'complete' AND o.payment_id = r.id)"#,
    },
    Check {
        name: "A refused payment request charged nothing",
        sql: "SELECT r.n, r.at, r.service, format('%d for key %s, whose payment %s is %s', r.status, r.key, p.id,
                  p.status)
              FROM response r JOIN payment.payment p ON p.buyer_id = r.user_id AND p.idempotency_key = r.key
              WHERE r.operation = 'payOrder' AND r.status BETWEEN 400 AND 499
                  AND (p.status = 'captured' OR r.status = 402 AND p.status NOT IN ('failed', 'voided'))",
    },
];
