//! Places an order.

use closures::AccountClosing;
use db::Tx;
use values::{TicketId, Timestamp, UserId};

use super::save::save_new_order;
use crate::{
    domain::{BuyerLimit, CannotPlace, NotAsSeen, NotOnSale, Order, OrderLimits, SecondFactorRequired, SeenListing},
    store,
};

/// A buyer's order to place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlaceOrder {
    pub(crate) buyer_id: UserId,
    pub(crate) ticket_id: TicketId,
    pub(crate) quantity: u32,
    /// Whether the buyer has signed in with a second factor.
    pub(crate) has_second_factor: bool,
    pub(crate) seen: SeenListing,
}

/// Why an order was not placed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceOrderError {
    #[error("there is no listing {0}")]
    TicketNotFound(TicketId),
    #[error(transparent)]
    NotOnSale(#[from] NotOnSale),
    #[error(transparent)]
    CannotPlace(#[from] CannotPlace),
    #[error(transparent)]
    SecondFactorRequired(#[from] SecondFactorRequired),
    #[error(transparent)]
    NotAsSeen(#[from] NotAsSeen),
    #[error(transparent)]
    BuyerLimit(#[from] BuyerLimit),
    #[error(transparent)]
    AccountClosing(#[from] AccountClosing),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Holds tickets for a buyer within the limits, and publishes `order.created`, in one transaction.
pub(crate) fn place_order(
    tx: &Tx,
    now: Timestamp,
    limits: &OrderLimits,
    command: PlaceOrder,
) -> Result<Order, PlaceOrderError> {
    let PlaceOrder {
        buyer_id,
        ticket_id,
        quantity,
        has_second_factor,
        seen,
    } = command;
    closures::ensure_open::<PlaceOrderError>(tx, buyer_id)?;
    let listing = store::find_listing(tx, ticket_id)?.ok_or(PlaceOrderError::TicketNotFound(ticket_id))?;
    let order = Order::place(&listing, buyer_id, quantity, limits.default_window, now)?;
    listing.check_on_sale(now)?;
    listing.check_factors(has_second_factor)?;
    seen.check(&listing)?;
    let history = store::buyer_history(tx, ticket_id, buyer_id, limits.sale.max_unpaid_holds)?;
    limits.check_buyer(&listing, quantity, &history, now)?;
    if !store::hold_tickets(tx, ticket_id, quantity)? {
        return Err(NotOnSale::SoldOut(listing.available).into());
    }
    save_new_order(tx, &order, now)?;
    Ok(order)
}
