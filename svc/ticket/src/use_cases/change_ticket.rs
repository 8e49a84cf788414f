use db::Tx;
use values::Timestamp;

use super::edit::{Edit, EditError};
use crate::{
    domain::{Listing, OfferChange},
    events::publish,
    store,
};

/// Changes the offer of a listing and publishes `ticket.updated`. An equal offer changes nothing.
pub(crate) fn change_ticket(tx: &Tx, now: Timestamp, edit: &Edit, change: OfferChange) -> Result<Listing, EditError> {
    let mut listing = edit.listing(tx)?;
    edit.check_seen(&listing)?;
    closures::ensure_open::<EditError>(tx, edit.user_id)?;
    let price = listing.state().terms.price;
    let offer = change.onto(&listing.state().terms);
    if listing.change(offer, now)? {
        store::update(tx, &listing)?;
        if listing.state().terms.price != price {
            audit::append_limited(tx, now, &edit.entry("price-change"))?;
        }
        publish(tx, now, &listing)?;
    }
    Ok(listing)
}
