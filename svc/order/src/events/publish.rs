//! Publishes the state of orders and refunds through the outbox.

use bus::outbox;
use db::{Error, Tx};
use events::{Event, OrderStatus, RefundStatus};
use values::{Money, Timestamp};

use crate::domain::{AfterSale, Order, Reason, Refund};

/// Says how an order stands.
pub(crate) fn publish_order(tx: &Tx, order: &Order, now: Timestamp) -> Result<(), Error> {
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

/// Publishes a reversal of an order's payment: a dispute if the dispute has changed, else a refund.
pub(crate) fn publish_reversal(tx: &Tx, before: &AfterSale, order: &Order, now: Timestamp) -> Result<(), Error> {
    let state = state(order);
    let event = if order.after.dispute == before.dispute {
        Event::OrderRefunded(state)
    } else {
        Event::OrderDisputed(state)
    };
    outbox::append(tx, "order", now, event)
}

/// Says how a refund stands.
pub(crate) fn publish_refund(tx: &Tx, refund: &Refund, now: Timestamp) -> Result<(), Error> {
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
