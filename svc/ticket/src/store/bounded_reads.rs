//! Reads without a key, and sorts, with the reason why they are bounded.

use db::BoundedRead;

/// The reason for a read of the table that refers to another one.
const FOREIGN_KEY: &str = "a foreign key's check, which runs only while one is violated and may still be satisfied";

/// The reason for a read of the last row of an index.
const GREATEST: &str = "the end of an index, for the greatest value";

/// The reason for a page of listings.
const PAGE: &str = "the rows of a page, and of its filters up to a limit";

/// Tests refuse all other scans and sorts.
pub(crate) const BOUNDED_READS: &[BoundedRead] = &[
    BoundedRead::of_table("tally", "a row for each state"),
    BoundedRead::of_table("transfer_tally", "a row for each status"),
    BoundedRead::of_table("code_key", "one row at most"),
    BoundedRead::of_table("listing_words_config", "a row for each option of the full-text index"),
    // `listing_pages::access` limits the rows that are read for a page. Later pages also read the places that changed since the
    // first page.
    BoundedRead::in_statement("AS place_number", "listing", PAGE),
    BoundedRead::sorted("AS place_number", PAGE),
    BoundedRead::in_statement("INSERT INTO listing (", "former_place", FOREIGN_KEY),
    BoundedRead::in_statement("INSERT INTO listing (", "listing.sqlite_autoindex_listing_2", GREATEST),
    BoundedRead::in_statement("UPDATE listing SET", "listing.sqlite_autoindex_listing_2", GREATEST),
    BoundedRead::in_statement("INSERT INTO admission (", "replaced_code", FOREIGN_KEY),
    BoundedRead::in_statement("INSERT INTO admission (", "admission.admission_by_change", GREATEST),
    BoundedRead::in_statement(
        "WHERE indexed_version IS NOT version",
        "listing",
        "the partial index has the listings whose words are not indexed yet",
    ),
    BoundedRead::in_statement(
        "WHERE status = 'complete' AND detailed_version IS",
        "hold",
        "the first rows of partial indexes of orders that are to be followed, or lack details of a later release",
    ),
    BoundedRead::in_statement(
        "FROM transfer t WHERE t.status = 'offered' AND t.ticket_id IN",
        "transfer",
        "the partial index has the open offers; a job reads them, not a request",
    ),
    BoundedRead::sorted(
        "FROM admission a WHERE a.order_id",
        "the tickets of an order: 10, unless `--max-tickets-per-order` is raised",
    ),
];
