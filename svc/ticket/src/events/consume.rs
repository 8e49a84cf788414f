use bus::ConsumeError;
use db::Tx;
use events::Envelope;
use values::Timestamp;

use crate::use_cases::record_order;

/// Consumes every `order.*` event (`order.created` … `order.completed`, `order.disputed`): all carry the order's state.
pub(crate) fn consume(tx: &Tx, _now: Timestamp, envelope: &Envelope) -> Result<(), ConsumeError> {
    match envelope.event.as_order() {
        Some(order) => Ok(record_order(tx, order)?),
        None => Err(ConsumeError::new(format_args!(
            "the ticket service does not consume {}",
            envelope.event.name()
        ))),
    }
}
