use bus::ConsumeError;
use db::Tx;
use events::Envelope;
use values::Timestamp;

use crate::{
    domain::Codes,
    use_cases::{record_account, record_order},
};

/// Consumes every `order.*` and `account.*` event: all carry the state of the order or account.
pub(crate) fn consume(tx: &Tx, now: Timestamp, envelope: &Envelope, codes: &Codes) -> Result<(), ConsumeError> {
    let event = &envelope.event;
    if let Some(order) = event.as_order() {
        Ok(record_order(tx, now, codes, order)?)
    } else if let Some(account) = event.as_account() {
        Ok(record_account(tx, now, account)?)
    } else {
        Err(ConsumeError::new(format_args!(
            "the ticket service does not consume {}",
            event.name()
        )))
    }
}
