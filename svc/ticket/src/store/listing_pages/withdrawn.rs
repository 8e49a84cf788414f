//! The listings that a seller has withdrawn.

use crate::store::listings::columns;

/// Returns the SELECT of the withdrawn listings of a seller before a number, the newest first. Its parameters: the seller, the
/// number, the number of rows.
pub(super) fn sql() -> String {
    format!(
        "SELECT {}, l.currency, l.amount, l.begins, l.number FROM listing l LEFT JOIN stock s ON s.ticket_id = l.id
         WHERE l.seller_id = ? AND l.withdrawn_at IS NOT NULL AND l.number < ? ORDER BY l.number DESC LIMIT ?",
        columns()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::database;

    #[test]
    fn withdrawn_listings_are_read_in_the_order_of_an_index() {
        let plan = db::query_plan(&database(), &sql()).unwrap();
        assert!(plan[0].contains("withdrawn_by_seller"), "{plan:#?}");
        assert!(!plan.iter().any(|line| line.contains("B-TREE")), "{plan:#?}");
    }
}
