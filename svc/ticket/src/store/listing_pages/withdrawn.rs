//! The listings that a seller has withdrawn.

use db::read_row;
use pagination::Limit;
use rusqlite::Connection;
use values::UserId;

use super::{ListedTicket, read_listed_ticket};
use crate::{domain::SortKey, store::listings::columns};

/// Returns the withdrawn listings of a seller after a key, the newest first, one more than the page has.
pub(super) fn withdrawn_listings(
    conn: &Connection,
    seller: UserId,
    after: Option<&SortKey>,
    limit: Limit,
) -> Result<Vec<ListedTicket>, db::Error> {
    let before = after.map_or(i64::MAX, |after| after.number);
    let mut select = conn.prepare_cached(&sql())?;
    let listings = select.query_map((seller, before, limit.rows()), read_row(read_listed_ticket))?;
    Ok(listings.collect::<Result<_, _>>()?)
}

fn sql() -> String {
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
        let conn = database();
        let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {}", sql())).unwrap();
        let plan = explain
            .query_map(("a", 1, 1), |row| row.get::<_, String>("detail"))
            .unwrap();
        let plan: Vec<_> = plan.collect::<Result<_, _>>().unwrap();
        assert!(plan[0].contains("withdrawn_by_seller"), "{plan:#?}");
        assert!(!plan.iter().any(|line| line.contains("B-TREE")), "{plan:#?}");
    }
}
