//! Metrics that are read from the database at each scrape.

use chassis::Samples;
use rusqlite::Connection;

use crate::store;

/// Reports the number of listings by state.
pub(crate) fn collect_metrics(conn: &Connection, samples: &mut Samples) -> Result<(), db::Error> {
    for (state, listings) in store::count_by_state(conn)? {
        samples.gauge(
            "ticketing_listings",
            "Listings, on sale or withdrawn",
            &[("state", &state)],
            listings,
        );
    }
    Ok(())
}
