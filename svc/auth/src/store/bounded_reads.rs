//! Reads without a key, and sorts, with the reason why they are bounded.

use db::BoundedRead;

/// Tests refuse all other scans and sorts.
pub(crate) const BOUNDED_READS: &[BoundedRead] = &[
    BoundedRead::of_table(
        "signing_keys",
        "one key signs, and retired ones are deleted when their tokens have ended",
    ),
    BoundedRead::sorted("FROM signing_keys ORDER BY", "as above"),
    BoundedRead::of_table("refresh_key", "one row at most"),
    BoundedRead::in_statement(
        "DELETE FROM signing_keys WHERE",
        "sign_up_keys",
        "in a purge, for each key that was retired long ago: the sign-ups of a day",
    ),
    BoundedRead::in_statement(
        "DELETE FROM sign_up_keys",
        "sign_up_keys.sign_up_keys_by_age",
        "the sign-ups of a day, when an operator deletes all keys",
    ),
    BoundedRead::in_statement(
        "FROM outdated_email_keys JOIN users",
        "outdated_email_keys",
        "a page of its first rows, which are deleted when they are corrected",
    ),
    BoundedRead::in_statement(
        "FROM mail_requests ORDER BY id LIMIT",
        "mail_requests",
        "a page of its first rows, which are deleted when they are decided",
    ),
];
