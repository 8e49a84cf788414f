//! What `/metrics` tells of the payments.

use std::time::Duration;

use chassis::Readings;
use ids::Timestamp;
use rusqlite::Connection;

use crate::store;

pub(crate) fn look(conn: &Connection, now: Timestamp, readings: &mut Readings) -> Result<(), db::Error> {
    for (status, payments) in store::tally(conn)? {
        readings.gauge(
            "ticketing_payments",
            "Payments, by status",
            &[("status", &status)],
            payments,
        );
    }
    readings.gauge(
        "ticketing_payments_in_trouble",
        "Payments that wait for a person",
        &[],
        store::in_trouble(conn)?,
    );
    let asked = store::oldest_asked(conn)?.map_or(Duration::ZERO, |since| since.until(now));
    readings.seconds(
        "ticketing_refund_unsettled_seconds",
        "How long the refund has waited for Stripe's answer that has waited longest",
        &[],
        asked,
    );
    let age = store::longest_unsettled(conn)?.map_or(Duration::ZERO, |since| since.until(now));
    readings.seconds(
        "ticketing_payment_unsettled_seconds",
        "How long the payment has waited for Stripe's answer that has waited longest",
        &[],
        age,
    );
    Ok(())
}
