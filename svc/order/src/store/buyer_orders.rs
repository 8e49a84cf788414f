//! The orders of a buyer.

use std::sync::LazyLock;

use db::Error;
use events::OrderStatus;
use rusqlite::Connection;
use values::{OrderId, UserId};

use super::{
    orders::{query, query_all, select},
    upper_bound,
};
use crate::domain::{DisplayStatus, Order};

/// Selects orders of any status, newest first. Merges the lists of each status: each is sorted by an index, and one index of
/// all orders less is maintained.
static ANY_STATUS: LazyLock<String> = LazyLock::new(|| {
    let lists = OrderStatus::ALL
        .iter()
        .map(|status| select(&format!("WHERE buyer_id = ?1 AND status = '{status}' AND id < ?2")))
        .collect::<Vec<_>>();
    format!("{} ORDER BY id DESC LIMIT ?3", lists.join(" UNION ALL "))
});

/// Returns a buyer's orders with the display status, the newest first: at most `limit` before `before`.
pub(crate) fn orders_of_buyer(
    conn: &Connection,
    buyer: UserId,
    status: Option<DisplayStatus>,
    before: Option<OrderId>,
    limit: u32,
) -> Result<Vec<Order>, Error> {
    let before = upper_bound(before);
    let (stored_status, filter) = match status {
        None => return query_all(conn, &ANY_STATUS, (buyer, before, limit)),
        Some(DisplayStatus::Stored(OrderStatus::Complete)) => {
            (OrderStatus::Complete, "status = ?2 AND refunded_quantity = 0")
        }
        Some(DisplayStatus::Stored(status)) => (status, "status = ?2"),
        Some(DisplayStatus::PartiallyRefunded) => (
            OrderStatus::Complete,
            "status = ?2 AND refunded_quantity BETWEEN 1 AND quantity - 1",
        ),
        Some(DisplayStatus::Refunded) => (OrderStatus::Complete, "status = ?2 AND refunded_quantity = quantity"),
    };
    query(conn, &of_status(filter), (buyer, stored_status, before, limit))
}

fn of_status(filter: &str) -> String {
    format!("WHERE buyer_id = ?1 AND {filter} AND id < ?3 ORDER BY id DESC LIMIT ?4")
}

#[cfg(test)]
mod tests {
    use chassis::Service;
    use db::Tx;

    use super::*;

    #[test]
    fn the_orders_of_a_buyer_are_read_in_the_order_of_an_index() {
        let conn = Tx::in_memory(&crate::Orders::SCHEMA).unwrap();
        let one_status = select(&of_status("status = ?2"));
        for (sql, lists) in [(one_status.as_str(), 1), (&ANY_STATUS, OrderStatus::ALL.len())] {
            let plan = db::query_plan(&conn, sql).unwrap();
            let by_index =
                |step: &&String| step.contains("order_by_buyer_and_status (buyer_id=? AND status=? AND id<?)");
            assert_eq!(plan.iter().filter(by_index).count(), lists, "{plan:#?}");
            assert!(
                plan.iter().all(|step| !step.contains("SCAN") && !step.contains("TEMP")),
                "{plan:#?}"
            );
        }
    }
}
