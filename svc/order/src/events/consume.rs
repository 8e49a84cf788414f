//! Dispatches consumed events to their use cases. An event may be repeated, late or out of order.

use std::time::Duration;

use bus::ConsumeError;
use db::Tx;
use events::{Envelope, Event};
use values::Timestamp;

use crate::use_cases::{
    CLOSURE_POLICY, apply_payment, apply_reversal, confirm_order, expire_order, update_listing_replica,
};

/// Applies one event. `payment_extension` is by how much the deadline of an order is moved while a payment is pending.
pub(crate) fn consume(
    tx: &Tx,
    now: Timestamp,
    envelope: &Envelope,
    payment_extension: Duration,
) -> Result<(), ConsumeError> {
    match &envelope.event {
        Event::TicketCreated(ticket) | Event::TicketUpdated(ticket) => update_listing_replica(tx, ticket),
        Event::PaymentPending(payment) => {
            apply_payment(tx, now, payment, |order| Ok(order.record_pending_payment(payment.id)))
        }
        Event::PaymentAuthorized(payment) => confirm_order(tx, now, payment),
        Event::PaymentCreated(payment) => apply_payment(tx, now, payment, |order| {
            order
                .complete(payment.id, payment.amount, now)
                .map_err(ConsumeError::new)
        }),
        Event::PaymentFailed(payment) => apply_payment(tx, now, payment, |order| {
            Ok(order.record_failed_payment(payment.id, now))
        }),
        Event::ExpirationCompleted(expiration) => expire_order(tx, now, expiration, payment_extension),
        Event::PaymentRefunded(reversal) | Event::PaymentRefundFailed(reversal) | Event::PaymentDisputed(reversal) => {
            apply_reversal(tx, now, reversal)
        }
        Event::AccountClosing(account) | Event::AccountReopened(account) | Event::AccountDeleted(account) => {
            Ok(CLOSURE_POLICY.apply(tx, now, account)?)
        }
        other => Err(ConsumeError::new(format_args!(
            "the order service does not consume {}",
            other.name()
        ))),
    }
}
