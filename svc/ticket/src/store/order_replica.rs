//! The replica of orders, from which triggers derive the stock of each listing.

use db::{NamedParameters, Tx};
use events::DisputeStatus;
use rusqlite::named_params;

/// Stores the state of an order, unless a later one is stored, or the same one with its buyer. Its listing may be unknown.
pub(crate) fn upsert_order(tx: &Tx, order: &events::Order) -> Result<(), db::Error> {
    let after = order.after_sale.as_ref();
    let dispute = after.and_then(|after| after.dispute.as_ref());
    tx.prepare_cached(
        "INSERT INTO hold (order_id, ticket_id, quantity, status, version, returned, buyer_id, seller_id, refunded, is_lost,
             detailed_version)
         VALUES (:order_id, :ticket_id, :quantity, :status, :version, :returned, :buyer_id, :seller_id, :refunded, :is_lost,
             :version)
         ON CONFLICT (order_id) DO UPDATE
         SET ticket_id = excluded.ticket_id, quantity = excluded.quantity, status = excluded.status,
             version = excluded.version, returned = excluded.returned, buyer_id = excluded.buyer_id,
             seller_id = excluded.seller_id, refunded = excluded.refunded, is_lost = excluded.is_lost,
             detailed_version = excluded.detailed_version
         WHERE excluded.version > version OR (excluded.version = version AND detailed_version IS NOT version)",
    )?
    .execute_named(named_params! {
        ":order_id": order.id,
        ":ticket_id": order.ticket_id,
        ":quantity": order.quantity,
        ":status": order.status,
        ":version": order.version.cast_signed(),
        ":returned": after.map_or(0, |after| after.returned_quantity),
        ":buyer_id": order.buyer_id,
        ":seller_id": order.seller_id,
        ":refunded": after.map_or(0, |after| after.refunded_quantity.min(order.quantity)),
        ":is_lost": dispute.is_some_and(|dispute| dispute.status == DisputeStatus::Lost),
    })?;
    Ok(())
}

#[cfg(test)]
mod tests;
