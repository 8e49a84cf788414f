//! What the service does when another says something. Each may come twice, late or in another order.

use std::time::Duration;

use bus::ConsumeError;
use db::Tx;
use events::{Envelope, Event};
use values::Timestamp;

use crate::use_cases::{apply_payment, apply_reversal, expire_order, update_listing_replica};

/// `extension` is by how much a deadline is moved while a payment is under way.
pub(crate) fn consume(tx: &Tx, now: Timestamp, envelope: &Envelope, extension: Duration) -> Result<(), ConsumeError> {
    match &envelope.event {
        Event::TicketCreated(ticket) | Event::TicketUpdated(ticket) => update_listing_replica(tx, now, ticket),
        Event::PaymentPending(payment) => apply_payment(tx, now, payment, |order| Ok(order.await_payment(payment.id))),
        Event::PaymentAuthorized(payment) => {
            apply_payment(tx, now, payment, |order| order.confirm(payment.id, payment.amount, now))
        }
        Event::PaymentCreated(payment) => apply_payment(tx, now, payment, |order| {
            order.complete(payment.id, payment.amount, now)
        }),
        Event::PaymentFailed(payment) => apply_payment(tx, now, payment, |order| Ok(order.fail(payment.id, now))),
        Event::ExpirationCompleted(expiration) => expire_order(tx, now, expiration, extension),
        Event::PaymentRefunded(reversal) | Event::PaymentRefundFailed(reversal) | Event::PaymentDisputed(reversal) => {
            apply_reversal(tx, now, reversal)
        }
        other => Err(ConsumeError::new(format_args!(
            "{} is not for the order service",
            other.name()
        ))),
    }
}
