//! What `/metrics` tells of the listings.

use chassis::Samples;
use rusqlite::Connection;

use crate::store;

pub(crate) fn collect_metrics(conn: &Connection, samples: &mut Samples) -> Result<(), db::Error> {
    for (state, listings) in store::tally(conn)? {
        samples.gauge(
            "ticketing_listings",
            "Listings, on sale or withdrawn",
            &[("state", &state)],
            listings,
        );
    }
    Ok(())
}
