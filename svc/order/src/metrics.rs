//! The metrics that are read from the database.

use std::time::Duration;

use chassis::Samples;
use rusqlite::Connection;
use values::Timestamp;

use crate::store;

/// Collects the number of orders and open refunds by status, and how late the oldest of them are.
pub(crate) fn collect_metrics(conn: &Connection, now: Timestamp, samples: &mut Samples) -> Result<(), db::Error> {
    for count in store::order_counts(conn)? {
        let labels = [("status", count.status.as_str()), ("reason", count.reason.as_str())];
        samples.gauge(
            "ticketing_orders",
            "Orders, by status and, if cancelled, why",
            &labels,
            count.orders,
        );
        samples.gauge(
            "ticketing_order_tickets",
            "Tickets of the orders: held while created or awaiting:payment, sold when complete",
            &labels,
            count.tickets,
        );
    }
    for count in store::open_refund_counts(conn)? {
        let labels = [("status", count.status.as_str())];
        samples.gauge(
            "ticketing_refunds_open",
            "Open refunds: requested ones wait for the seller, approved ones for their payment",
            &labels,
            count.refunds,
        );
        samples.seconds(
            "ticketing_refund_oldest_seconds",
            "Age of the oldest open refund; 0 if none is open",
            &labels,
            count.since.map_or(Duration::ZERO, |since| since.until(now)),
        );
    }
    let deadline = store::earliest_deadline(conn)?;
    samples.seconds(
        "ticketing_order_overdue_seconds",
        "Time since the earliest deadline of the unpaid orders; 0 if no order is overdue",
        &[],
        deadline.map_or(Duration::ZERO, |deadline| deadline.until(now)),
    );
    Ok(())
}
