//! Reads without a key, and sorts, with the reason why they are bounded.

use db::BoundedRead;

/// Tests refuse all other scans and sorts.
pub(crate) const BOUNDED_READS: &[BoundedRead] = &[
    BoundedRead::of_table("consumption", "one row at most"),
    BoundedRead::in_statement(
        "FROM listing INDEXED BY listing_to_notify",
        "listing",
        "the first row of the partial index of withdrawn listings whose buyers are being mailed",
    ),
    BoundedRead::in_statement(
        "WHERE state = 'sending'",
        "mail",
        "the partial index has the mails that are being sent: as many as there are slots",
    ),
    BoundedRead::in_statement(
        "FROM (SELECT 1 FROM mail INDEXED BY",
        "mail",
        "rows of a partial index up to a limit",
    ),
    BoundedRead::in_statement(
        "SELECT created_at FROM mail INDEXED BY mail_open",
        "mail",
        "the first row of a partial index",
    ),
    BoundedRead::in_statement(
        "SET state = 'presumed-sent'",
        "mail",
        "once, when a restored database begins: all of its open mails",
    ),
    BoundedRead::sorted(
        "SELECT DISTINCT holder_id FROM admission WHERE order_id",
        "the tickets of an order: 10, unless `--max-tickets-per-order` is raised",
    ),
];
