//! Consumes events of the order and auth services. Each may arrive twice, late or in another order.

use bus::ConsumeError;
use db::Tx;
use events::{Envelope, Event};
use values::Timestamp;

use crate::use_cases::{CLOSURE_POLICY, request_refund, update_order};

/// Applies an event.
pub(crate) fn consume(tx: &Tx, now: Timestamp, envelope: &Envelope) -> Result<(), ConsumeError> {
    if let Some(order) = envelope.event.as_order() {
        return Ok(update_order(tx, now, &order.into())?);
    }
    match &envelope.event {
        Event::RefundApproved(refund) => Ok(request_refund(tx, now, refund)?),
        Event::AccountClosing(account) | Event::AccountReopened(account) | Event::AccountDeleted(account) => {
            Ok(CLOSURE_POLICY.apply(tx, now, account)?)
        }
        other => Err(ConsumeError::new(format_args!(
            "the payment service does not consume {}",
            other.name()
        ))),
    }
}
