//! What every change of an order or a refund entails, in the transaction of the change: the stock moves and the bus hears
//! of it.

use bus::outbox;
use db::{Error, Tx};
use events::{Event, OrderStatus, RefundStatus};
use values::{Money, Timestamp};

use crate::{
    order::{AfterSale, Order},
    refund::{Reason, Refund},
    store,
};

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

/// Keeps what went back of an order; what is on sale again is no longer sold.
pub(crate) fn gave_back(tx: &Tx, before: &AfterSale, order: &Order, now: Timestamp) -> Result<(), Error> {
    let returned = i64::from(order.after.tickets.returned) - i64::from(before.tickets.returned);
    if order.status == OrderStatus::Complete && returned != 0 {
        store::shift(tx, order.ticket_id, 0, -returned)?;
    }
    store::update(tx, order)?;
    let state = state(order);
    let event = if order.after.dispute == before.dispute {
        Event::OrderRefunded(state)
    } else {
        Event::OrderDisputed(state)
    };
    outbox::append(tx, "order", now, event)
}

/// Keeps a new refund.
pub(crate) fn refund_asked(tx: &Tx, refund: &Refund, now: Timestamp) -> Result<(), Error> {
    store::insert_refund(tx, refund)?;
    announce_refund(tx, refund, now)
}

/// Keeps a refund's new state.
pub(crate) fn refund_changed(tx: &Tx, refund: &Refund, now: Timestamp) -> Result<(), Error> {
    store::update_refund(tx, refund)?;
    announce_refund(tx, refund, now)
}

/// Says how an order stands.
pub(crate) fn announce(tx: &Tx, order: &Order, now: Timestamp) -> Result<(), Error> {
    let state = state(order);
    let event = match order.status {
        OrderStatus::Created if order.extended_at.is_some() => Event::OrderExtended(state),
        OrderStatus::Created => Event::OrderCreated(state),
        OrderStatus::AwaitingPayment => Event::OrderConfirmed(state),
        OrderStatus::Complete => Event::OrderCompleted(state),
        OrderStatus::Cancelled => Event::OrderCancelled(state),
    };
    outbox::append(tx, "order", now, event)
}

/// Says how a refund stands.
pub(crate) fn announce_refund(tx: &Tx, refund: &Refund, now: Timestamp) -> Result<(), Error> {
    let state = events::Refund {
        id: refund.id,
        version: refund.version,
        status: refund.status,
        order_id: refund.order_id,
        payment_id: refund.payment_id,
        buyer_id: refund.buyer_id,
        seller_id: refund.seller_id,
        ticket_id: refund.ticket_id,
        quantity: refund.quantity,
        amount: refund.amount,
        asked_by: refund.asked_by,
        reason: refund.reason.as_ref().map(Reason::as_str).map(str::to_owned),
        failure: refund.failure.clone(),
        returned: refund.returned,
        payment_version: refund.payment_version,
        created_at: refund.created_at,
        updated_at: refund.updated_at,
    };
    let event = match refund.status {
        RefundStatus::Requested => Event::RefundRequested(state),
        RefundStatus::Approved => Event::RefundApproved(state),
        RefundStatus::Declined => Event::RefundDeclined(state),
        RefundStatus::Paid => Event::RefundPaid(state),
        RefundStatus::Failed => Event::RefundFailed(state),
    };
    outbox::append(tx, "order", now, event)
}

fn state(order: &Order) -> events::Order {
    let nothing = AfterSale {
        payment_version: order.after.payment_version,
        ..AfterSale::default()
    };
    events::Order {
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
        after_sale: (order.after != nothing).then_some(events::AfterSale {
            refunded_quantity: order.after.tickets.refunded,
            returned_quantity: order.after.tickets.returned,
            refunded_amount: Money {
                amount: order.after.refunded_amount,
                ..order.price
            },
            dispute: order.after.dispute,
        }),
        record: Some(events::OrderRecord {
            title: order.title.clone(),
            price: order.price,
            created_at: order.created_at,
            updated_at: order.updated_at,
            extended_at: order.extended_at,
            refundable_until: order.refundable_until,
            payment_version: order.after.payment_version,
        }),
    }
}
