//! A seller replaces the offer of a listing.

use db::Tx;
use values::Timestamp;

use crate::{
    announce::announce,
    edit::{Edit, EditError},
    listing::Listing,
    offer::Offer,
    store,
};

/// Replaces the offer and announces that; an offer that is the same already changes nothing.
pub(crate) fn change_ticket(tx: &Tx, now: Timestamp, edit: &Edit, offer: Offer) -> Result<Listing, EditError> {
    let mut listing = edit.listing(tx)?;
    edit.check(&listing)?;
    if listing.change(offer, now)? {
        store::update(tx, &listing)?;
        announce(tx, now, &listing)?;
    }
    Ok(listing)
}
