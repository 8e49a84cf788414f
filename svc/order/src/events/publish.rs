//! Publishes orders and refunds through the outbox.

use bus::outbox;
use db::{Error, Tx};
use events::{Event, OrderStatus, RefundStatus};
use values::Timestamp;

use super::payload::{order_payload, refund_payload};
use crate::domain::{AfterSale, Order, Refund};

const SERVICE: &str = "order";

/// Publishes an order under the event of its status.
pub(crate) fn publish_order(tx: &Tx, order: &Order, now: Timestamp) -> Result<(), Error> {
    let payload = order_payload(order);
    let event = match order.status() {
        OrderStatus::Created if order.state().extended_at.is_some() => Event::OrderExtended(payload),
        OrderStatus::Created => Event::OrderCreated(payload),
        OrderStatus::AwaitingPayment => Event::OrderConfirmed(payload),
        OrderStatus::Complete => Event::OrderCompleted(payload),
        OrderStatus::Cancelled => Event::OrderCancelled(payload),
    };
    outbox::append(tx, SERVICE, now, event)
}

/// Publishes an order after a reversal: as disputed if its dispute has changed, as refunded otherwise.
pub(crate) fn publish_reversal(tx: &Tx, before: &AfterSale, order: &Order, now: Timestamp) -> Result<(), Error> {
    let payload = order_payload(order);
    let event = if order.state().after_sale.dispute == before.dispute {
        Event::OrderRefunded(payload)
    } else {
        Event::OrderDisputed(payload)
    };
    outbox::append(tx, SERVICE, now, event)
}

/// Publishes a refund under the event of its status.
pub(crate) fn publish_refund(tx: &Tx, refund: &Refund, now: Timestamp) -> Result<(), Error> {
    let payload = refund_payload(refund);
    let event = match refund.status() {
        RefundStatus::Requested => Event::RefundRequested(payload),
        RefundStatus::Approved => Event::RefundApproved(payload),
        RefundStatus::Declined => Event::RefundDeclined(payload),
        RefundStatus::Paid => Event::RefundPaid(payload),
        RefundStatus::Failed => Event::RefundFailed(payload),
    };
    outbox::append(tx, SERVICE, now, event)
}
