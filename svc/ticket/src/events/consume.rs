use bus::ConsumeError;
use db::Tx;
use events::Envelope;
use values::Timestamp;

use crate::use_cases::record_order;

/// Consumes the events of orders.
pub(crate) fn consume(tx: &Tx, _now: Timestamp, envelope: &Envelope) -> Result<(), ConsumeError> {
    match envelope.event.as_order() {
        Some(order) => Ok(record_order(tx, order)?),
        None => Err(ConsumeError::new(format_args!(
            "the ticket service does not consume {}",
            envelope.event.name()
        ))),
    }
}
