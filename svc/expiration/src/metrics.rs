//! What `/metrics` tells of the deadlines.

use std::time::Duration;

use chassis::Samples;
use rusqlite::Connection;
use values::Timestamp;

use crate::store;

/// Beyond this many it is only told that there are that many.
const MANY: u32 = 100_000;

pub(crate) fn collect_metrics(conn: &Connection, now: Timestamp, samples: &mut Samples) -> Result<(), db::Error> {
    samples.gauge(
        "ticketing_timers_open",
        "Orders whose deadline is waited for; 100000 stands for more, too",
        &[],
        store::count_pending(conn, MANY)?,
    );
    samples.gauge(
        "ticketing_timers_overdue",
        "Those of them whose deadline has passed; 100000 stands for more, too",
        &[],
        store::count_overdue(conn, now, MANY)?,
    );
    let late = store::first_deadline(conn)?.map_or(Duration::ZERO, |deadline| deadline.until(now));
    samples.seconds(
        "ticketing_timer_overdue_seconds",
        "How long ago the deadline passed that passed first and was not told; 0 if none has passed",
        &[],
        late,
    );
    Ok(())
}
