//! What `/metrics` tells of the listings.

use chassis::Readings;
use rusqlite::Connection;

use crate::store;

pub(crate) fn look(conn: &Connection, readings: &mut Readings) -> Result<(), db::Error> {
    for (state, listings) in store::tally(conn)? {
        readings.gauge(
            "ticketing_listings",
            "Listings, on sale or withdrawn",
            &[("state", &state)],
            listings,
        );
    }
    Ok(())
}
