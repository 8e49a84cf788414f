//! A buyer claims tickets.

use std::time::Duration;

use db::Tx;
use values::{TicketId, Timestamp, UserId};

use super::save;
use crate::{
    domain::{NotForSale, Order, Refused},
    store,
};

/// What a buyer wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlaceOrder {
    pub(crate) buyer_id: UserId,
    pub(crate) ticket_id: TicketId,
    pub(crate) quantity: u32,
    /// Within which time it is to be paid, unless the listing says otherwise.
    pub(crate) window: Duration,
}

/// Why a buyer does not get it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceOrderError {
    #[error("there is no listing {0}")]
    TicketNotFound(TicketId),
    #[error(transparent)]
    NotForSale(#[from] NotForSale),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Holds tickets for a buyer and announces it, in one transaction.
pub(crate) fn place_order(tx: &Tx, now: Timestamp, wish: PlaceOrder) -> Result<Order, PlaceOrderError> {
    let PlaceOrder {
        buyer_id,
        ticket_id,
        quantity,
        window,
    } = wish;
    let listing = store::listing(tx, ticket_id)?.ok_or(PlaceOrderError::TicketNotFound(ticket_id))?;
    let order = Order::place(&listing, buyer_id, quantity, window, now)?;
    listing.on_sale(now)?;
    if !store::hold(tx, ticket_id, quantity)? {
        return Err(NotForSale::SoldOut(listing.left).into());
    }
    save::placed(tx, &order, now)?;
    Ok(order)
}
