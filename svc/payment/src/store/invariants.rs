//! What must be true of the database.

use db::admin::{Invariant, Part, Scope, Sums};

/// The queries of `check`: each finds the rows that break an invariant.
pub(crate) const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "the tally counts the payments",
        sql: "SELECT status, p.payments, t.payments AS counted
              FROM (SELECT status, count(*) AS payments FROM payment GROUP BY status) p
              FULL JOIN tally t USING (status) WHERE coalesce(p.payments, 0) IS NOT t.payments",
        scope: Scope::Key(Sums {
            parts: &[
                Part {
                    table: "payment",
                    key: &["status"],
                    numbers: &["1"],
                },
                Part {
                    table: "tally",
                    key: &["status"],
                    numbers: &["-payments"],
                },
            ],
            of_key: None,
        }),
    },
    Invariant {
        name: "no payment needs an operator",
        sql: "SELECT id, order_id, intent_id, status, trouble FROM payment WHERE trouble IS NOT NULL",
        scope: Scope::Whole,
    },
    Invariant {
        name: "an order has at most one live payment",
        sql: "SELECT p.order_id, p.id, q.id AS other FROM payment p CROSS JOIN payment q ON q.order_id = p.order_id AND q.id > p.id
              WHERE p.rowid BETWEEN ?1 AND ?2
                AND p.status IN ('started', 'requires-payment-method', 'requires-action', 'authorized', 'capturing', 'captured')
                AND q.status IN ('started', 'requires-payment-method', 'requires-action', 'authorized', 'capturing', 'captured')",
        scope: Scope::Row("payment"),
    },
    Invariant {
        name: "a payment is captured only for an order that was confirmed with it",
        sql: "SELECT p.id, p.status, b.order_id, b.status AS order_status, b.payment_id
              FROM payment p CROSS JOIN bill b ON b.order_id = p.order_id
              WHERE p.rowid BETWEEN ?1 AND ?2 AND p.status IN ('capturing', 'captured') AND b.payment_id IS NOT p.id",
        scope: Scope::Row("payment"),
    },
    Invariant {
        name: "the payment of a complete order is captured",
        sql: "SELECT b.order_id, b.payment_id, p.status FROM bill b LEFT JOIN payment p ON p.id = b.payment_id
              WHERE b.status = 'complete' AND p.status IS NOT 'captured'",
        scope: Scope::Key(Sums {
            parts: &[
                Part {
                    table: "bill",
                    key: &["order_id"],
                    numbers: &["status = 'complete'
                           AND (SELECT p.status FROM payment p WHERE p.id = bill.payment_id) IS NOT 'captured'"],
                },
            ],
            of_key: Some(
                "SELECT b.order_id, b.payment_id, p.status FROM bill b LEFT JOIN payment p ON p.id = b.payment_id
                 WHERE b.order_id = ?1 AND b.status = 'complete' AND p.status IS NOT 'captured'",
            ),
        }),
    },
    Invariant {
        name: "a payment is the order's total, by the order's buyer",
        sql: "SELECT p.id, p.amount, p.currency, p.buyer_id, b.amount AS owed, b.currency AS owed_in, b.buyer_id AS by
              FROM payment p CROSS JOIN bill b ON b.order_id = p.order_id
              WHERE p.rowid BETWEEN ?1 AND ?2
                AND (p.amount <> b.amount OR p.currency <> b.currency OR p.buyer_id <> b.buyer_id)",
        scope: Scope::Row("payment"),
    },
    Invariant {
        name: "every transaction of the ledger sums to zero",
        sql: "SELECT id AS transaction_id, currency,
                     buyer + held + seller + platform_fee + refunds + dispute + costs + stripe_fee AS sum
              FROM ledger WHERE id BETWEEN ?1 AND ?2 AND sum <> 0",
        scope: Scope::Row("ledger"),
    },
    Invariant {
        name: "captured payments are in the ledger, and no others",
        sql: "SELECT p.id, p.status, p.amount, t.amount AS taken, t.currency FROM payment p
              LEFT JOIN taking t ON t.payment_id = p.id
              WHERE p.rowid BETWEEN ?1 AND ?2
                AND ((p.status = 'captured' AND p.amount > 0) <> (t.payment_id IS NOT NULL)
                     OR t.amount <> p.amount OR t.currency <> p.currency)",
        scope: Scope::Row("payment"),
    },
    Invariant {
        name: "the ledger shows the state of every payment",
        sql: "WITH standing AS (
                  SELECT t.payment_id, t.currency, t.fee_basis_points, t.amount, t.refunded,
                      coalesce(d.withdrawn, 0) AS gone,
                      t.amount - t.refunded - coalesce(d.withdrawn, 0) AS remaining,
                      CASE b.status WHEN 'complete' THEN b.seller_id END AS seller_id
                  FROM taking t JOIN payment p ON p.id = t.payment_id JOIN bill b USING (order_id)
                  LEFT JOIN (SELECT payment_id, sum(withdrawn) AS withdrawn FROM dispute GROUP BY payment_id) d
                      USING (payment_id)
              ), expected AS (
                  SELECT payment_id, currency, amount, refunded, gone, remaining, seller_id,
                      max(remaining, 0) * fee_basis_points / 10000 / step * step AS fee
                  FROM (SELECT *, CASE WHEN currency IN ('bhd', 'jod', 'kwd', 'omr', 'tnd') THEN 10
                                       WHEN currency IN ('isk', 'ugx') THEN 100 ELSE 1 END AS step FROM standing)
              ), booked AS (
                  SELECT payment_id, currency, sum(buyer) AS buyer, sum(held) AS held, sum(seller) AS seller,
                      sum(platform_fee) AS platform_fee, sum(refunds) AS refunds, sum(dispute) AS dispute
                  FROM ledger GROUP BY payment_id, currency
              )
              SELECT e.payment_id, e.currency, e.amount, e.refunded, e.gone, b.*
              FROM expected e LEFT JOIN booked b USING (payment_id, currency)
              WHERE b.buyer IS NOT -e.amount OR b.refunds IS NOT e.refunded OR b.dispute IS NOT e.gone
                 OR b.held IS NOT CASE WHEN e.seller_id IS NULL THEN e.remaining ELSE 0 END
                 OR b.platform_fee IS NOT CASE WHEN e.seller_id IS NULL THEN 0 ELSE e.fee END
                 OR b.seller IS NOT CASE WHEN e.seller_id IS NULL THEN 0 ELSE e.remaining - e.fee END",
        scope: Scope::Whole,
    },
    Invariant {
        name: "a seller's share belongs to the seller of the order",
        sql: "SELECT l.payment_id, l.seller_id, b.seller_id AS sold_by, sum(l.seller) AS seller
              FROM ledger l JOIN payment p ON p.id = l.payment_id JOIN bill b USING (order_id)
              WHERE l.seller_id IS NOT b.seller_id GROUP BY l.payment_id, l.seller_id
              HAVING sum(l.seller) <> 0 OR sum(l.platform_fee) <> 0",
        scope: Scope::Whole,
    },
    Invariant {
        name: "a seller's balance is the sum of the seller's ledger",
        sql: "WITH booked AS (
                  SELECT seller_id, currency, sum(buyer) AS buyer, sum(held) AS held, sum(seller) AS seller,
                      sum(platform_fee) AS platform_fee, sum(refunds) AS refunds, sum(dispute) AS dispute
                  FROM ledger WHERE seller_id IS NOT NULL GROUP BY seller_id, currency
              )
              SELECT seller_id, currency, b.seller, s.seller AS balance FROM booked b
              FULL JOIN seller_balance s USING (seller_id, currency)
              WHERE b.buyer IS NOT s.buyer OR b.held IS NOT s.held OR b.seller IS NOT s.seller
                 OR b.platform_fee IS NOT s.platform_fee OR b.refunds IS NOT s.refunds OR b.dispute IS NOT s.dispute",
        scope: Scope::Key(Sums {
            parts: &[
                Part {
                    table: "ledger",
                    key: &["coalesce(seller_id, '')", "currency"],
                    numbers: &["iif(seller_id IS NULL, 0, buyer)", "iif(seller_id IS NULL, 0, held)", "iif(seller_id IS NULL, 0, seller)", "iif(seller_id IS NULL, 0, platform_fee)", "iif(seller_id IS NULL, 0, refunds)", "iif(seller_id IS NULL, 0, dispute)"],
                },
                Part {
                    table: "seller_balance",
                    key: &["seller_id", "currency"],
                    numbers: &["-buyer", "-held", "-seller", "-platform_fee", "-refunds", "-dispute"],
                },
            ],
            of_key: Some(
                "SELECT ?1 AS seller_id, ?2 AS currency, b.seller, s.seller AS balance
                 FROM (SELECT coalesce(sum(buyer), 0) AS buyer, coalesce(sum(held), 0) AS held, coalesce(sum(seller), 0) AS seller,
                           coalesce(sum(platform_fee), 0) AS platform_fee, coalesce(sum(refunds), 0) AS refunds,
                           coalesce(sum(dispute), 0) AS dispute
                       FROM ledger WHERE seller_id = ?1 AND currency = ?2) b
                 LEFT JOIN seller_balance s ON s.seller_id = ?1 AND s.currency = ?2
                 WHERE b.buyer IS NOT s.buyer OR b.held IS NOT s.held OR b.seller IS NOT s.seller
                    OR b.platform_fee IS NOT s.platform_fee OR b.refunds IS NOT s.refunds OR b.dispute IS NOT s.dispute",
            ),
        }),
    },
    Invariant {
        name: "Stripe's fees are in the ledger",
        sql: "SELECT payment_id, currency, sum(kept) AS fee, sum(booked) AS booked
              FROM (SELECT payment_id, stripe_fee_currency AS currency, stripe_fee AS kept, 0 AS booked
                    FROM taking WHERE stripe_fee IS NOT NULL
                    UNION ALL SELECT payment_id, fee_currency, fee, 0 FROM dispute
                    UNION ALL SELECT payment_id, currency, 0, stripe_fee FROM ledger WHERE stripe_fee <> 0)
              GROUP BY payment_id, currency HAVING sum(kept) <> sum(booked)",
        scope: Scope::Key(Sums {
            parts: &[
                Part {
                    table: "taking",
                    key: &["payment_id", "coalesce(stripe_fee_currency, '')"],
                    numbers: &["coalesce(stripe_fee, 0)"],
                },
                Part {
                    table: "dispute",
                    key: &["payment_id", "fee_currency"],
                    numbers: &["fee"],
                },
                Part {
                    table: "ledger",
                    key: &["payment_id", "currency"],
                    numbers: &["-stripe_fee"],
                },
            ],
            of_key: Some(
                "SELECT ?1 AS payment_id, ?2 AS currency, sum(kept) AS fee, sum(booked) AS booked
                 FROM (SELECT stripe_fee AS kept, 0 AS booked FROM taking
                       WHERE payment_id = ?1 AND stripe_fee_currency = ?2
                       UNION ALL SELECT fee, 0 FROM dispute WHERE payment_id = ?1 AND fee_currency = ?2
                       UNION ALL SELECT 0, stripe_fee FROM ledger WHERE payment_id = ?1 AND currency = ?2)
                 HAVING sum(kept) <> sum(booked)",
            ),
        }),
    },
    Invariant {
        name: "the refunded amount is the sum of the refunds",
        sql: "SELECT t.payment_id, t.refunded, coalesce(sum(r.amount), 0) AS given FROM taking t
              LEFT JOIN refund r ON r.payment_id = t.payment_id AND r.state IN ('pending', 'succeeded')
              GROUP BY t.payment_id HAVING t.refunded <> given",
        scope: Scope::Key(Sums {
            parts: &[
                Part {
                    table: "taking",
                    key: &["payment_id"],
                    numbers: &["refunded"],
                },
                Part {
                    table: "refund",
                    key: &["payment_id"],
                    numbers: &["iif(state IN ('pending', 'succeeded'), -amount, 0)"],
                },
            ],
            of_key: Some(
                "SELECT t.payment_id, t.refunded, r.given FROM taking t,
                     (SELECT coalesce(sum(amount), 0) AS given FROM refund
                      WHERE payment_id = ?1 AND state IN ('pending', 'succeeded')) r
                 WHERE t.payment_id = ?1 AND t.refunded <> r.given",
            ),
        }),
    },
    Invariant {
        name: "only captured payments are refunded",
        sql: "SELECT id, payment_id, amount, state FROM refund
              WHERE rowid BETWEEN ?1 AND ?2 AND state IN ('pending', 'succeeded') AND amount > 0
                AND NOT EXISTS (SELECT 1 FROM taking t WHERE t.payment_id = refund.payment_id)",
        scope: Scope::Row("refund"),
    },
];
