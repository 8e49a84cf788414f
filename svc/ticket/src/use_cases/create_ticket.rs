use db::Tx;
use values::{Timestamp, UserId};

use crate::{
    domain::{Listing, Offer, PastTimes},
    events::publish,
    store,
};

/// Why a listing was not created.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateTicketError {
    #[error(transparent)]
    Past(#[from] PastTimes),
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Creates a listing and publishes `ticket.created`.
pub(crate) fn create_ticket(
    tx: &Tx,
    now: Timestamp,
    seller: UserId,
    offer: Offer,
) -> Result<Listing, CreateTicketError> {
    let listing = Listing::create(seller, offer, now)?;
    store::insert(tx, &listing)?;
    publish(tx, now, &listing)?;
    Ok(listing)
}
