//! Metrics of the timers.

use std::time::Duration;

use chassis::Samples;
use rusqlite::Connection;
use values::Timestamp;

use crate::store;

/// Limits the counts, so that a scrape is cheap.
const MAX_COUNT: u32 = 100_000;

pub(crate) fn collect_metrics(conn: &Connection, now: Timestamp, samples: &mut Samples) -> Result<(), db::Error> {
    samples.gauge(
        "ticketing_timers_open",
        "Pending timers, up to 100000",
        &[],
        store::count_pending(conn, MAX_COUNT)?,
    );
    samples.gauge(
        "ticketing_timers_overdue",
        "Pending timers whose deadline has passed, up to 100000",
        &[],
        store::count_overdue(conn, now, MAX_COUNT)?,
    );
    let overdue = store::earliest_deadline(conn)?.map_or(Duration::ZERO, |deadline| deadline.until(now));
    samples.seconds(
        "ticketing_timer_overdue_seconds",
        "Time since the earliest deadline of a pending timer; 0 if none has passed",
        &[],
        overdue,
    );
    Ok(())
}
