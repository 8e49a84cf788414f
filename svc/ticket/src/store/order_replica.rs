//! The replica of orders, from which triggers derive the stock of each listing.

use db::Tx;
use rusqlite::named_params;

/// Stores the state of an order, unless a later one is stored. Its listing may be unknown.
pub(crate) fn upsert_order(tx: &Tx, order: &events::Order) -> Result<(), db::Error> {
    let returned = order.after_sale.as_ref().map_or(0, |after| after.returned_quantity);
    tx.prepare_cached(
        "INSERT INTO hold (order_id, ticket_id, quantity, status, version, returned)
         VALUES (:order_id, :ticket_id, :quantity, :status, :version, :returned)
         ON CONFLICT (order_id) DO UPDATE
         SET ticket_id = excluded.ticket_id, quantity = excluded.quantity, status = excluded.status,
             version = excluded.version, returned = excluded.returned
         WHERE excluded.version > version",
    )?
    .execute(named_params! {
        ":order_id": order.id,
        ":ticket_id": order.ticket_id,
        ":quantity": order.quantity,
        ":status": order.status,
        ":version": order.version.cast_signed(),
        ":returned": returned,
    })?;
    Ok(())
}

#[cfg(test)]
mod tests;
