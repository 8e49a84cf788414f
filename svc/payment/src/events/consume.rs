//! What the service does when an order changes. Each event may come twice, late or in another order.

use bus::ConsumeError;
use db::Tx;
use events::{Envelope, Event};
use values::Timestamp;

use crate::use_cases::{adopt, ask_refund};

pub(crate) fn react(tx: &Tx, now: Timestamp, envelope: &Envelope) -> Result<(), ConsumeError> {
    match &envelope.event {
        Event::OrderCreated(order)
        | Event::OrderExtended(order)
        | Event::OrderConfirmed(order)
        | Event::OrderCompleted(order)
        | Event::OrderCancelled(order)
        | Event::OrderRefunded(order)
        | Event::OrderDisputed(order) => Ok(adopt(tx, now, &order.into())?),
        Event::RefundApproved(refund) => Ok(ask_refund(tx, now, refund)?),
        other => Err(ConsumeError::new(format_args!(
            "{} is not for the payment service",
            other.name()
        ))),
    }
}
