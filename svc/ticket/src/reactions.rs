//! What this service does when an order says something: it counts what is held and sold.

use bus::ConsumeError;
use db::Tx;
use events::{Envelope, Event};
use values::Timestamp;

use crate::store;

/// Keeps the newest state of the order. The totals follow from that, so it does not matter in which order the events
/// come, or how often.
pub(crate) fn react(tx: &Tx, _now: Timestamp, envelope: &Envelope) -> Result<(), ConsumeError> {
    match &envelope.event {
        Event::OrderCreated(order)
        | Event::OrderExtended(order)
        | Event::OrderConfirmed(order)
        | Event::OrderCompleted(order)
        | Event::OrderCancelled(order)
        | Event::OrderRefunded(order)
        | Event::OrderDisputed(order) => Ok(store::hold(tx, order)?),
        other => Err(ConsumeError::new(format_args!(
            "{} is nothing that this service listens to",
            other.name()
        ))),
    }
}

#[cfg(test)]
mod tests;
