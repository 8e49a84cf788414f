//! Replicas of orders.

use db::Tx;
use events::{CancelReason, OrderStatus};
use rusqlite::{
    Connection, OptionalExtension, Row, named_params,
    types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef},
};
use trace::Trace;
use values::{OrderId, PaymentId};

use super::columns::{money, words};
use crate::domain::Bill;

words!(OrderWord of OrderStatus {
    "created" = OrderStatus::Created => OrderStatus::Created,
    "awaiting:payment" = OrderStatus::AwaitingPayment => OrderStatus::AwaitingPayment,
    "complete" = OrderStatus::Complete => OrderStatus::Complete,
    "cancelled" = OrderStatus::Cancelled => OrderStatus::Cancelled,
});

words!(ReasonWord of CancelReason {
    "user" = CancelReason::User => CancelReason::User,
    "expired" = CancelReason::Expired => CancelReason::Expired,
    "payment-failed" = CancelReason::PaymentFailed => CancelReason::PaymentFailed,
    "ticket-withdrawn" = CancelReason::TicketWithdrawn => CancelReason::TicketWithdrawn,
});

fn read_bill(row: &Row<'_>) -> rusqlite::Result<Bill> {
    Ok(Bill {
        order_id: row.get("order_id")?,
        version: row.get::<_, i64>("version")?.unsigned_abs(),
        status: row.get::<_, OrderWord>("status")?.0,
        cancel_reason: row.get::<_, Option<ReasonWord>>("cancel_reason")?.map(|word| word.0),
        buyer_id: row.get("buyer_id")?,
        seller_id: row.get("seller_id")?,
        total: money(row)?,
        expires_at: row.get("expires_at")?,
        payment_id: row.get("payment_id")?,
    })
}

/// Keeps the state of an order, unless a later one is known; says whether it did.
pub(crate) fn adopt(tx: &Tx, bill: &Bill) -> Result<bool, db::Error> {
    let adopted = tx
        .prepare_cached(
            "INSERT INTO bill (order_id, version, status, cancel_reason, buyer_id, seller_id, currency, amount, expires_at,
                 payment_id, traceparent)
             VALUES (:order_id, :version, :status, :cancel_reason, :buyer_id, :seller_id, :currency, :amount, :expires_at,
                 :payment_id, :traceparent)
             ON CONFLICT (order_id) DO UPDATE
             SET version = excluded.version, status = excluded.status, cancel_reason = excluded.cancel_reason,
                 buyer_id = excluded.buyer_id, seller_id = excluded.seller_id, currency = excluded.currency, amount = excluded.amount,
                 expires_at = excluded.expires_at, payment_id = excluded.payment_id,
                 traceparent = CASE substr(excluded.traceparent, 4, 32) WHEN substr(traceparent, 4, 32)
                               THEN excluded.traceparent ELSE coalesce(traceparent, excluded.traceparent) END
             WHERE excluded.version > version",
        )?
        .execute(named_params! {
            ":order_id": bill.order_id,
            ":version": bill.version.cast_signed(),
            ":status": OrderWord(bill.status),
            ":cancel_reason": bill.cancel_reason.map(ReasonWord),
            ":buyer_id": bill.buyer_id,
            ":seller_id": bill.seller_id,
            ":currency": bill.total.currency,
            ":amount": bill.total.amount,
            ":expires_at": bill.expires_at,
            ":payment_id": bill.payment_id,
            ":traceparent": trace::current().map(|trace| trace.to_string()),
        })?;
    Ok(adopted > 0)
}

/// Learns who sells, of an order that an older release has heard of; says whether that was not known.
pub(crate) fn learn_seller(tx: &Tx, bill: &Bill) -> Result<bool, db::Error> {
    let learned = tx
        .prepare_cached("UPDATE bill SET seller_id = ?2 WHERE order_id = ?1 AND seller_id IS NULL AND ?2 IS NOT NULL")?
        .execute((bill.order_id, bill.seller_id))?;
    Ok(learned > 0)
}

/// What is owed for an order.
pub(crate) fn bill(conn: &Connection, order: OrderId) -> Result<Option<Bill>, db::Error> {
    Ok(conn
        .prepare_cached("SELECT * FROM bill WHERE order_id = ?1")?
        .query_row([order], read_bill)
        .optional()?)
}

/// The trace that the payment's order began with, as far as it has come here.
pub(crate) fn trace_of_order(conn: &Connection, payment: PaymentId) -> Result<Option<Trace>, db::Error> {
    let traceparent: Option<Option<String>> = conn
        .prepare_cached("SELECT b.traceparent FROM payment p JOIN bill b USING (order_id) WHERE p.id = ?1")?
        .query_row([payment], |row| row.get(0))
        .optional()?;
    Ok(traceparent.flatten().and_then(|trace| trace.parse().ok()))
}
