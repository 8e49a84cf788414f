//! Stores a changed order or refund, moves the stock accordingly and publishes the change.

use db::{Error, Tx};
use events::OrderStatus;
use values::Timestamp;

use crate::{
    domain::{AfterSale, Order, Refund},
    events::{publish_order, publish_refund, publish_reversal},
    store,
};

/// Keeps an order that holds its tickets since just now.
pub(crate) fn placed(tx: &Tx, order: &Order, now: Timestamp) -> Result<(), Error> {
    store::insert(tx, order)?;
    publish_order(tx, order, now)
}

/// Keeps the new state of an order that held its tickets until now.
pub(crate) fn changed(tx: &Tx, order: &Order, now: Timestamp) -> Result<(), Error> {
    match order.status {
        OrderStatus::Created | OrderStatus::AwaitingPayment => {}
        OrderStatus::Complete => store::sell(tx, order.ticket_id, order.quantity)?,
        OrderStatus::Cancelled => store::release(tx, order.ticket_id, order.quantity)?,
    }
    store::update(tx, order)?;
    publish_order(tx, order, now)
}

/// Keeps what went back of an order; what is on sale again is no longer sold.
pub(crate) fn gave_back(tx: &Tx, before: &AfterSale, order: &Order, now: Timestamp) -> Result<(), Error> {
    let returned = i64::from(order.after.tickets.returned) - i64::from(before.tickets.returned);
    if order.status == OrderStatus::Complete && returned != 0 {
        store::shift(tx, order.ticket_id, 0, -returned)?;
    }
    store::update(tx, order)?;
    publish_reversal(tx, before, order, now)
}

/// Keeps a new refund.
pub(crate) fn refund_asked(tx: &Tx, refund: &Refund, now: Timestamp) -> Result<(), Error> {
    store::insert_refund(tx, refund)?;
    publish_refund(tx, refund, now)
}

/// Keeps a refund's new state.
pub(crate) fn refund_changed(tx: &Tx, refund: &Refund, now: Timestamp) -> Result<(), Error> {
    store::update_refund(tx, refund)?;
    publish_refund(tx, refund, now)
}
