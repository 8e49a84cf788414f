//! Table `bill`: the replicas of orders.

use db::{NamedParameters, RowReader, Tx};
use rusqlite::{Connection, OptionalExtension, named_params};
use telemetry::Traceparent;
use values::{OrderId, PaymentId};

use super::columns::{money, version};
use crate::domain::PayableOrder;

db::columns! {
    /// A replica of an order.
    ORDER: "bill" = [
        order_id, version, status, cancel_reason, buyer_id, seller_id, amount, currency, expires_at, payment_id,
    ];
}

fn read_order(row: &mut RowReader<'_, '_>) -> rusqlite::Result<PayableOrder> {
    Ok(PayableOrder {
        order_id: row.next()?,
        version: version(row)?,
        status: row.next()?,
        cancel_reason: row.next()?,
        buyer_id: row.next()?,
        seller_id: row.next()?,
        total: money(row)?,
        expires_at: row.next()?,
        payment_id: row.next()?,
    })
}

/// Stores an order unless a version at least as new is stored; returns whether it did. The trace that the order began
/// with is kept.
pub(crate) fn upsert_order(tx: &Tx, order: &PayableOrder) -> Result<bool, db::Error> {
    let sql = format!(
        "INSERT INTO bill ({}, traceparent) VALUES ({}, :traceparent)
         ON CONFLICT (order_id) DO UPDATE
         SET version = excluded.version, status = excluded.status, cancel_reason = excluded.cancel_reason,
             buyer_id = excluded.buyer_id, seller_id = excluded.seller_id, currency = excluded.currency,
             amount = excluded.amount, expires_at = excluded.expires_at, payment_id = excluded.payment_id,
             traceparent = CASE substr(excluded.traceparent, 4, 32) WHEN substr(traceparent, 4, 32)
                           THEN excluded.traceparent ELSE coalesce(traceparent, excluded.traceparent) END
         WHERE excluded.version > version",
        ORDER.names, ORDER.placeholders
    );
    let changed = tx.prepare_cached(&sql)?.execute_named(named_params! {
        ":order_id": order.order_id,
        ":version": order.version.cast_signed(),
        ":status": order.status,
        ":cancel_reason": order.cancel_reason,
        ":buyer_id": order.buyer_id,
        ":seller_id": order.seller_id,
        ":currency": order.total.currency,
        ":amount": order.total.amount,
        ":expires_at": order.expires_at,
        ":payment_id": order.payment_id,
        ":traceparent": telemetry::current_traceparent().map(|trace| trace.to_string()),
    })?;
    Ok(changed > 0)
}

/// Stores the seller of an order where an older release did not; returns whether it was missing.
pub(crate) fn fill_in_seller(tx: &Tx, order: &PayableOrder) -> Result<bool, db::Error> {
    let changed = tx
        .prepare_cached("UPDATE bill SET seller_id = ?2 WHERE order_id = ?1 AND seller_id IS NULL AND ?2 IS NOT NULL")?
        .execute((order.order_id, order.seller_id))?;
    Ok(changed > 0)
}

/// Returns the replica of an order.
pub(crate) fn order(conn: &Connection, id: OrderId) -> Result<Option<PayableOrder>, db::Error> {
    let sql = format!("SELECT {} FROM bill WHERE order_id = ?1", ORDER.select);
    Ok(conn
        .prepare_cached(&sql)?
        .query_row([id], db::read_row(read_order))
        .optional()?)
}

/// Returns the trace that the order of a payment began with.
pub(crate) fn trace_of_order(conn: &Connection, payment: PaymentId) -> Result<Option<Traceparent>, db::Error> {
    let traceparent: Option<Option<String>> = conn
        .prepare_cached("SELECT b.traceparent FROM payment p JOIN bill b USING (order_id) WHERE p.id = ?1")?
        .query_row([payment], |row| row.get(0))
        .optional()?;
    Ok(traceparent.flatten().and_then(|trace| trace.parse().ok()))
}
