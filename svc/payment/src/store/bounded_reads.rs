//! Reads without a key, and sorts, with the reason why they are bounded.

use db::BoundedRead;

/// Tests refuse all other scans and sorts.
pub(crate) const BOUNDED_READS: &[BoundedRead] = &[
    BoundedRead::of_table("amnesia", "one row at most"),
    BoundedRead::of_table("tally", "a row for each status"),
    BoundedRead::of_table(
        "missing_ledger",
        "payments that an earlier release captured; empty afterwards",
    ),
    BoundedRead::in_statement(
        "WHERE trouble IS NOT NULL",
        "payment",
        "the partial index has the payments that wait for an operator",
    ),
    BoundedRead::in_statement(
        "FROM refund r INDEXED BY refund_open",
        "refund",
        "the partial index has the refunds that Stripe has not paid",
    ),
    BoundedRead::in_statement(
        "FROM dispute d CROSS JOIN payment p",
        "dispute",
        "the partial index has the disputes that are not decided",
    ),
    BoundedRead::in_statement(
        "INSERT INTO payment ",
        "declined_charge",
        "SQLite reads it only while a foreign key is violated (FkIfZero)",
    ),
    BoundedRead::sorted(
        "FROM ledger WHERE payment_id = ?1 GROUP BY",
        "a payment has few rows in the ledger",
    ),
    BoundedRead::sorted("FROM dispute WHERE payment_id = ?1", "a payment has few disputes"),
    BoundedRead::sorted(
        "FROM refund r JOIN taking USING (payment_id) WHERE r.payment_id = ?1",
        "a payment has few refunds",
    ),
    BoundedRead::sorted("FROM refund r WHERE r.payment_id = ?1", "a payment has few refunds"),
    BoundedRead::sorted(
        "WHERE order_id = ?1 AND id >= ?2",
        "the attempts to pay an order are limited",
    ),
    BoundedRead::sorted(
        "WHERE order_id = ?4 AND +buyer_id = ?1",
        "the attempts to pay an order are limited",
    ),
];
