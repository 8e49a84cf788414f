//! Reads without a key, and sorts, with the reason why they are bounded.

use db::BoundedRead;

/// Tests refuse all other scans and sorts.
pub(crate) const BOUNDED_READS: &[BoundedRead] = &[
    BoundedRead::of_table("tally", "a row for each status and reason"),
    BoundedRead::in_statement(
        "WHERE done = 0",
        "withdrawal",
        "the partial index has the withdrawals whose sales are being refunded",
    ),
    BoundedRead::in_statement(
        "FROM withdrawal w CROSS JOIN listing l",
        "withdrawal",
        "the partial index has the withdrawals whose sales are being refunded",
    ),
    BoundedRead::in_statement(
        r#"FROM "order" o CROSS JOIN withdrawal"#,
        "order",
        "the partial index has the open orders, which end with their window; a job reads them, not a request",
    ),
];
