//! What every change of an order entails, in the transaction of the change: the stock moves and the bus hears of it.

use bus::outbox;
use db::{Error, Tx};
use events::{Event, OrderStatus};
use ids::Timestamp;

use crate::{order::Order, store};

/// Keeps an order that holds its tickets since just now.
pub(crate) fn placed(tx: &Tx, order: &Order, now: Timestamp) -> Result<(), Error> {
    store::insert(tx, order)?;
    announce(tx, order, now)
}

/// Keeps the new state of an order that held its tickets until now.
pub(crate) fn changed(tx: &Tx, order: &Order, now: Timestamp) -> Result<(), Error> {
    match order.status {
        OrderStatus::Created | OrderStatus::AwaitingPayment => {}
        OrderStatus::Complete => store::sell(tx, order.ticket_id, order.quantity)?,
        OrderStatus::Cancelled => store::release(tx, order.ticket_id, order.quantity)?,
    }
    store::update(tx, order)?;
    announce(tx, order, now)
}

/// Says how an order stands.
pub(crate) fn announce(tx: &Tx, order: &Order, now: Timestamp) -> Result<(), Error> {
    let state = events::Order {
        id: order.id,
        version: order.version,
        status: order.status,
        cancel_reason: order.cancel_reason,
        buyer_id: order.buyer_id,
        seller_id: order.seller_id,
        ticket_id: order.ticket_id,
        quantity: order.quantity,
        total: order.total(),
        expires_at: order.expires_at,
        payment_id: order.payment_id,
        after_sale: None,
        record: Some(events::OrderRecord {
            title: order.title.clone(),
            price: order.price,
            created_at: order.created_at,
            updated_at: order.updated_at,
            extended_at: None,
            refundable_until: None,
            payment_version: None,
        }),
    };
    let event = match order.status {
        OrderStatus::Created => Event::OrderCreated(state),
        OrderStatus::AwaitingPayment => Event::OrderConfirmed(state),
        OrderStatus::Complete => Event::OrderCompleted(state),
        OrderStatus::Cancelled => Event::OrderCancelled(state),
    };
    outbox::publish(tx, "order", now, event)
}
