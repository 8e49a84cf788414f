//! Saves changed orders and refunds: stores them, moves the stock and publishes the change, in one transaction.

use db::{Error, Tx};
use events::OrderStatus;
use values::Timestamp;

use crate::{
    domain::{AfterSale, Order, Refund},
    events::{publish_order, publish_refund, publish_reversal},
    store,
};

/// Saves a new order, whose tickets are held.
pub(super) fn save_new_order(tx: &Tx, order: &Order, now: Timestamp) -> Result<(), Error> {
    store::insert_order(tx, order)?;
    publish_order(tx, order, now)
}

/// Saves a new version of an order that has held its tickets until now.
pub(super) fn save_order(tx: &Tx, order: &Order, now: Timestamp) -> Result<(), Error> {
    match order.status() {
        OrderStatus::Created | OrderStatus::AwaitingPayment => {}
        OrderStatus::Complete => store::sell_held_tickets(tx, order.ticket_id(), order.quantity())?,
        OrderStatus::Cancelled => store::release_tickets(tx, order.ticket_id(), order.quantity())?,
    }
    store::update_order(tx, order)?;
    publish_order(tx, order, now)
}

/// Saves an order after a reversal. Tickets that are on sale again are no longer sold.
pub(super) fn save_reversal(tx: &Tx, before: &AfterSale, order: &Order, now: Timestamp) -> Result<(), Error> {
    let returned = i64::from(order.state().after_sale.tickets.returned) - i64::from(before.tickets.returned);
    if order.status() == OrderStatus::Complete && returned != 0 {
        store::adjust_stock(tx, order.ticket_id(), 0, -returned)?;
    }
    store::update_order(tx, order)?;
    publish_reversal(tx, before, order, now)
}

/// Saves a new refund.
pub(super) fn save_new_refund(tx: &Tx, refund: &Refund, now: Timestamp) -> Result<(), Error> {
    store::insert_refund(tx, refund)?;
    publish_refund(tx, refund, now)
}

/// Saves a new version of a refund.
pub(super) fn save_refund(tx: &Tx, refund: &Refund, now: Timestamp) -> Result<(), Error> {
    store::update_refund(tx, refund)?;
    publish_refund(tx, refund, now)
}
