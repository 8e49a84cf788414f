//! What the other services hear of a listing.

use bus::outbox;
use db::Tx;
use events::Event;
use values::Timestamp;

use crate::{NAME, listing::Listing, store};

/// Listings of one transaction of [`republish`].
const PAGE: u32 = 500;

/// Tells the state of a listing, in the transaction that led to it.
pub(crate) fn announce(tx: &Tx, now: Timestamp, listing: &Listing) -> Result<(), db::Error> {
    let state = events::Ticket::from(listing);
    let event = if listing.version == 1 {
        Event::TicketCreated(state)
    } else {
        Event::TicketUpdated(state)
    };
    outbox::append(tx, NAME, now, event)
}

/// Tells the state of the next listings after the one with the id `after` once more, withdrawn ones too, and says where
/// to go on. Who knows that state already ignores it.
pub(crate) fn republish(tx: &Tx, now: Timestamp, after: Option<&str>) -> Result<Option<String>, db::Error> {
    let listings = store::page(tx, after.unwrap_or_default(), PAGE)?;
    for listing in &listings {
        announce(tx, now, listing)?;
    }
    Ok(listings.last().map(|last| last.id.to_string()))
}
