//! What the limits of a buyer count.

use db::Error;
use rusqlite::{Connection, OptionalExtension};
use values::{TicketId, UserId};

use crate::domain::BuyerHistory;

const OPEN_ORDERS: &str = "SELECT orders FROM buyer_open_orders WHERE buyer_id = ?";

const TICKETS: &str = "SELECT tickets FROM buyer_tickets WHERE ticket_id = ? AND buyer_id = ?";

/// The condition on the reason is that of the index.
const UNPAID_ENDS: &str = r#"SELECT updated_at FROM "order"
    WHERE ticket_id = ? AND buyer_id = ? AND cancel_reason IN ('user', 'expired') ORDER BY updated_at DESC LIMIT ?"#;

/// Returns the orders of a buyer that the limits count, with the ends of the newest `unpaid` unpaid orders.
pub(crate) fn buyer_history(
    conn: &Connection,
    ticket: TicketId,
    buyer: UserId,
    unpaid: u32,
) -> Result<BuyerHistory, Error> {
    let open_orders = conn
        .prepare_cached(OPEN_ORDERS)?
        .query_row([buyer], |row| row.get(0))
        .optional()?;
    let tickets = conn
        .prepare_cached(TICKETS)?
        .query_row((ticket, buyer), |row| row.get(0))
        .optional()?;
    let unpaid_ends = conn
        .prepare_cached(UNPAID_ENDS)?
        .query_map((ticket, buyer, unpaid), |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(BuyerHistory {
        open_orders: open_orders.unwrap_or(0),
        tickets: tickets.unwrap_or(0),
        unpaid_ends,
    })
}

#[cfg(test)]
mod tests {
    use chassis::Service;
    use db::Tx;

    use super::*;

    #[test]
    fn the_limits_of_a_buyer_are_looked_up_by_index_and_not_sorted() {
        let conn = Tx::in_memory(&crate::Orders::SCHEMA).unwrap();
        for sql in [OPEN_ORDERS, TICKETS, UNPAID_ENDS] {
            let plan = db::query_plan(&conn, sql).unwrap();
            assert_eq!(plan.len(), 1, "{plan:#?}");
            assert!(plan[0].starts_with("SEARCH"), "{plan:#?}");
        }
    }
}
