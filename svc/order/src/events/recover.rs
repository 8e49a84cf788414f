//! Recovers the orders and refunds that a database restored from a backup has lost, from their own events.

use bus::ConsumeError;
use db::Tx;
use events::{Envelope, OrderStatus, Ticket};
use rusqlite::Connection;
use values::{OrderId, TicketId, Timestamp};

use super::payload::{derive_record, order_state, refund_state};
use crate::{
    domain::{Order, Refund},
    store,
};

/// Stores an order or refund as it was published, with the stock that it holds, unless the stored version is as new.
/// Returns whether it was stored.
///
/// Nothing is decided and nothing is published: the event has been published before.
pub(crate) fn recover(tx: &Tx, _now: Timestamp, envelope: &Envelope) -> Result<bool, ConsumeError> {
    let event = &envelope.event;
    if let Some(ticket) = event.as_ticket() {
        ensure_listing_replica(tx, ticket)?;
        Ok(false)
    } else if let Some(order) = event.as_order() {
        recover_order(tx, order, envelope.time)
    } else if let Some(refund) = event.as_refund() {
        recover_refund(tx, refund)
    } else {
        Ok(false)
    }
}

/// Returns the creation time of the newest order or listing in the database.
pub(crate) fn newest_record_at(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
    let (order, listing) = store::newest_ids(conn)?;
    Ok(order
        .and_then(OrderId::created_at)
        .max(listing.and_then(TicketId::created_at)))
}

/// Inserts a listing that orders refer to, if it is missing. It gets the version before the event's, so that the event
/// is still news, with all its effects, when it is consumed after the recovery.
fn ensure_listing_replica(tx: &Tx, ticket: &Ticket) -> Result<(), ConsumeError> {
    if store::find_listing(tx, ticket.id)?.is_none() {
        let before = Ticket {
            version: ticket.version.saturating_sub(1).max(1),
            withdrawn_at: None,
            ..ticket.clone()
        };
        store::upsert_listing(tx, &before)?;
    }
    Ok(())
}

fn recover_order(tx: &Tx, payload: &events::Order, published_at: Timestamp) -> Result<bool, ConsumeError> {
    let stored = store::find_order(tx, payload.id)?;
    if stored
        .as_ref()
        .is_some_and(|stored| stored.state().version >= payload.version)
    {
        return Ok(false);
    }
    let record = if let Some(record) = &payload.record {
        record.clone()
    } else {
        let listing = store::find_listing(tx, payload.ticket_id)?;
        let title = listing.map_or_else(String::new, |listing| listing.title);
        derive_record(payload, title, published_at)
    };
    let mut state = order_state(payload, record);
    // Payment attempts are not published with the order; the payment service's events are consumed after the recovery.
    if let Some(stored) = stored.as_ref().filter(|_| state.status == OrderStatus::Created) {
        state.pending_payment_id = stored.state().pending_payment_id;
        state.failed_payment_id = stored.state().failed_payment_id;
    }
    let order = Order::from_state(state).map_err(ConsumeError::new)?;
    let (held, sold) = stock_of(&order);
    let (stored_held, stored_sold) = stored.as_ref().map_or((0, 0), stock_of);
    // The stock may exceed the number of tickets that the seller wants to sell: the order was placed before the seller
    // lowered it.
    if !store::adjust_stock(tx, order.ticket_id(), held - stored_held, sold - stored_sold)? {
        return Err(ConsumeError::new(format_args!(
            "the order {} refers to the listing {}, which is missing",
            order.id(),
            order.ticket_id()
        )));
    }
    if stored.is_some() {
        store::update_order(tx, &order)?;
    } else {
        store::insert_order(tx, &order)?;
    }
    Ok(true)
}

/// The refund's order is recovered before it: it was published first.
fn recover_refund(tx: &Tx, payload: &events::Refund) -> Result<bool, ConsumeError> {
    let stored = store::find_refund(tx, payload.id)?;
    if stored
        .as_ref()
        .is_some_and(|stored| stored.state().version >= payload.version)
    {
        return Ok(false);
    }
    let refund = Refund::from_state(refund_state(payload));
    if stored.is_some() {
        store::update_refund(tx, &refund)?;
    } else {
        store::insert_refund(tx, &refund)?;
    }
    Ok(true)
}

/// Returns the number of tickets that an order holds, and the number that it has sold.
fn stock_of(order: &Order) -> (i64, i64) {
    match order.status() {
        OrderStatus::Created | OrderStatus::AwaitingPayment => (order.quantity().into(), 0),
        OrderStatus::Complete => (0, order.sold_quantity().into()),
        OrderStatus::Cancelled => (0, 0),
    }
}

#[cfg(test)]
mod tests;
