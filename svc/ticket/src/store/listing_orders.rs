//! The orders of each listing, for its seller.

use db::{Error, NamedParameters, RowReader, Tx, read_row};
use rusqlite::{Connection, named_params};
use values::{Money, OrderId, TicketId};

use crate::domain::{Buyer, ListingOrder, OrderState};

/// Stores the state of an order, unless a later one is stored.
pub(crate) fn upsert_listing_order(tx: &Tx, ticket: TicketId, version: u64, order: &ListingOrder) -> Result<(), Error> {
    tx.prepare_cached(
        "INSERT INTO listing_order (
             ticket_id, order_id, version, buyer_id, state, disputed, quantity, currency, amount, refunded_quantity,
             refunded_amount
         )
         VALUES (
             :ticket_id, :order_id, :version, :buyer_id, :state, :disputed, :quantity, :currency, :amount,
             :refunded_quantity, :refunded_amount
         )
         ON CONFLICT (ticket_id, order_id) DO UPDATE
         SET version = excluded.version, state = excluded.state, disputed = excluded.disputed,
             refunded_quantity = excluded.refunded_quantity, refunded_amount = excluded.refunded_amount
         WHERE excluded.version > version",
    )?
    .execute_named(named_params! {
        ":ticket_id": ticket,
        ":order_id": order.id,
        ":version": version.cast_signed(),
        ":buyer_id": order.buyer_id,
        ":state": order.state,
        ":disputed": order.is_disputed,
        ":quantity": order.quantity,
        ":currency": order.total.currency,
        ":amount": order.total.amount,
        ":refunded_quantity": order.refunded_quantity,
        ":refunded_amount": order.refunded_amount,
    })?;
    Ok(())
}

const COLUMNS: &str =
    "o.order_id, o.buyer_id, o.state, o.disputed, o.quantity, o.amount, o.currency, o.refunded_quantity,
    o.refunded_amount, c.name, c.email";

const BUYER: &str = "LEFT JOIN account c ON c.id = o.buyer_id";

fn in_any_state() -> String {
    format!(
        "SELECT {COLUMNS} FROM listing_order o {BUYER}
         WHERE o.ticket_id = ? AND o.order_id < ? ORDER BY o.order_id DESC LIMIT ?"
    )
}

fn in_state() -> String {
    format!(
        "SELECT {COLUMNS} FROM listing_order o INDEXED BY listing_order_by_state {BUYER}
         WHERE o.ticket_id = ? AND o.state = ? AND o.order_id < ? ORDER BY o.order_id DESC LIMIT ?"
    )
}

/// Returns the orders of a listing with their buyers, in a state or in any, the newest first: at most `limit` before `before`.
pub(crate) fn orders_of_listing(
    conn: &Connection,
    ticket: TicketId,
    state: Option<OrderState>,
    before: Option<OrderId>,
    limit: u32,
) -> Result<Vec<(ListingOrder, Buyer)>, Error> {
    // Sorts after every id.
    let before = before.map_or_else(|| "~".to_owned(), |id| id.to_string());
    let read = read_row(read_order);
    let orders: rusqlite::Result<Vec<_>> = match state {
        None => conn
            .prepare_cached(&in_any_state())?
            .query_map((ticket, before, limit), read)?
            .collect(),
        Some(state) => conn
            .prepare_cached(&in_state())?
            .query_map((ticket, state, before, limit), read)?
            .collect(),
    };
    Ok(orders?)
}

fn read_order(row: &mut RowReader<'_, '_>) -> rusqlite::Result<(ListingOrder, Buyer)> {
    let order = ListingOrder {
        id: row.next()?,
        buyer_id: row.next()?,
        state: row.next()?,
        is_disputed: row.next()?,
        quantity: row.next()?,
        total: Money {
            amount: row.next()?,
            currency: row.next()?,
        },
        refunded_quantity: row.next()?,
        refunded_amount: row.next()?,
    };
    let buyer = Buyer {
        name: row.next()?,
        email: row.next()?,
    };
    Ok((order, buyer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::database;

    #[test]
    fn pages_of_orders_are_read_in_the_order_of_an_index() {
        let conn = database();
        for (sql, index) in [(in_any_state(), "PRIMARY KEY"), (in_state(), "listing_order_by_state")] {
            let plan = db::query_plan(&conn, &sql).unwrap();
            assert_eq!(plan.len(), 2, "{plan:#?}");
            assert!(plan.iter().all(|line| line.starts_with("SEARCH")), "{plan:#?}");
            assert!(plan[0].contains(index), "{plan:#?}");
        }
    }
}
