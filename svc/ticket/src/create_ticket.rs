//! A seller puts tickets on sale.

use db::Tx;
use values::{Timestamp, UserId};

use crate::{
    announce::announce,
    listing::{Listing, StartsInThePast},
    offer::Offer,
    store,
};

#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateTicketError {
    #[error(transparent)]
    Start(#[from] StartsInThePast),
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Keeps a new listing and announces it.
pub(crate) fn create_ticket(
    tx: &Tx,
    now: Timestamp,
    seller: UserId,
    offer: Offer,
) -> Result<Listing, CreateTicketError> {
    let listing = Listing::open(seller, offer, now)?;
    store::insert(tx, &listing)?;
    announce(tx, now, &listing)?;
    Ok(listing)
}
