use db::Tx;
use values::Timestamp;

use crate::{
    domain::Listing,
    store::{self, WaitingFor},
};

/// Stores the newest state of a listing. Its withdrawal is mailed by a job, because it may have many buyers.
pub(crate) fn record_listing(
    tx: &Tx,
    now: Timestamp,
    published_at: Timestamp,
    ticket: &events::Ticket,
) -> Result<(), db::Error> {
    let listing = Listing::from(ticket);
    store::upsert_listing(tx, &listing, published_at)?;
    store::queue_waiting_for(tx, WaitingFor::Listing(listing.id), now)
}
