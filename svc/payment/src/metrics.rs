//! What `/metrics` tells of the payments.

use std::time::Duration;

use chassis::Samples;
use rusqlite::Connection;
use values::Timestamp;

use crate::store;

pub(crate) fn collect_metrics(conn: &Connection, now: Timestamp, samples: &mut Samples) -> Result<(), db::Error> {
    for (status, payments) in store::tally(conn)? {
        samples.gauge(
            "ticketing_payments",
            "Payments, by status",
            &[("status", &status)],
            payments,
        );
    }
    samples.gauge(
        "ticketing_payments_in_trouble",
        "Payments that wait for a person",
        &[],
        store::in_trouble(conn)?,
    );
    let asked = store::oldest_asked(conn)?.map_or(Duration::ZERO, |since| since.until(now));
    samples.seconds(
        "ticketing_refund_unsettled_seconds",
        "How long the refund has waited for Stripe's answer that has waited longest",
        &[],
        asked,
    );
    let age = store::longest_unsettled(conn)?.map_or(Duration::ZERO, |since| since.until(now));
    samples.seconds(
        "ticketing_payment_unsettled_seconds",
        "How long the payment has waited for Stripe's answer that has waited longest",
        &[],
        age,
    );
    Ok(())
}
