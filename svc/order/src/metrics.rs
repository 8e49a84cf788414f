//! What `/metrics` tells of the orders.

use std::time::Duration;

use chassis::Samples;
use rusqlite::Connection;
use values::Timestamp;

use crate::store;

pub(crate) fn collect_metrics(conn: &Connection, now: Timestamp, samples: &mut Samples) -> Result<(), db::Error> {
    for counted in store::tally(conn)? {
        let labels = [("status", counted.status.as_str()), ("reason", counted.reason.as_str())];
        samples.gauge(
            "ticketing_orders",
            "Orders, by status and, if cancelled, why",
            &labels,
            counted.orders,
        );
        samples.gauge(
            "ticketing_order_tickets",
            "Tickets that the orders stand for: held while created or awaiting:payment, sold when complete",
            &labels,
            counted.tickets,
        );
    }
    for waiting in store::open_refunds(conn)? {
        let labels = [("status", waiting.status)];
        samples.gauge(
            "ticketing_refunds_open",
            "Refunds that wait: requested for the seller, approved for the money to be paid back",
            &labels,
            waiting.refunds,
        );
        samples.seconds(
            "ticketing_refund_oldest_seconds",
            "How long the first of the refunds that wait has been waiting; 0 if none is",
            &labels,
            waiting.since.map_or(Duration::ZERO, |since| since.until(now)),
        );
    }
    let late = store::first_deadline(conn)?.map_or(Duration::ZERO, |deadline| deadline.until(now));
    samples.seconds(
        "ticketing_order_overdue_seconds",
        "How long ago the open order should have ended that should have ended first; 0 if none is late",
        &[],
        late,
    );
    Ok(())
}
