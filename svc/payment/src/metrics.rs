//! What `/metrics` reports of the database.

use std::time::Duration;

use chassis::Samples;
use rusqlite::Connection;
use values::Timestamp;

use crate::store;

/// Adds the gauges of payments and refunds.
pub(crate) fn collect_metrics(conn: &Connection, now: Timestamp, samples: &mut Samples) -> Result<(), db::Error> {
    for (status, payments) in store::count_payments(conn)? {
        samples.gauge(
            "ticketing_payments",
            "Payments, by status",
            &[("status", &status)],
            payments,
        );
    }
    samples.gauge(
        "ticketing_payments_in_trouble",
        "Payments that need an operator",
        &[],
        store::count_payments_in_trouble(conn)?,
    );
    let requested = store::oldest_requested_refund_at(conn)?.map_or(Duration::ZERO, |since| since.until(now));
    samples.seconds(
        "ticketing_refund_unsettled_seconds",
        "Age of the oldest refund without a result of Stripe",
        &[],
        requested,
    );
    let age = store::oldest_unanswered_at(conn)?.map_or(Duration::ZERO, |since| since.until(now));
    samples.seconds(
        "ticketing_payment_unsettled_seconds",
        "Age of the oldest call to Stripe without a result",
        &[],
        age,
    );
    Ok(())
}
