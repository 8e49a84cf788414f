//! What this service does when an order says something: it counts what is held and sold.

use bus::ConsumeError;
use db::Tx;
use events::Envelope;
use values::Timestamp;

use crate::store;

/// Keeps the newest state of the order. The totals follow from that, so it does not matter in which order the events
/// come, or how often.
pub(crate) fn react(tx: &Tx, _now: Timestamp, envelope: &Envelope) -> Result<(), ConsumeError> {
    let Some(order) = envelope.event.as_order() else {
        return Err(ConsumeError::new(format_args!(
            "the ticket service does not consume {}",
            envelope.event.name()
        )));
    };
    Ok(store::hold(tx, order)?)
}

#[cfg(test)]
mod tests;
