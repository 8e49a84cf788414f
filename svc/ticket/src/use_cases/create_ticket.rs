use closures::AccountClosing;
use db::Tx;
use values::{Timestamp, UserId};

use crate::{
    domain::{InvalidTimes, Listing, Offer},
    events::publish,
    store,
};

/// Why a listing was not created.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateTicketError {
    #[error(transparent)]
    InvalidTimes(#[from] InvalidTimes),
    #[error(transparent)]
    AccountClosing(#[from] AccountClosing),
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
    closures::ensure_open::<CreateTicketError>(tx, seller)?;
    let listing = Listing::create(seller, offer, now)?;
    store::insert(tx, &listing)?;
    publish(tx, now, &listing)?;
    Ok(listing)
}
