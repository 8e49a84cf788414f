//! Confirms an order whose payment is authorised.

use bus::ConsumeError;
use db::Tx;
use events::Payment;
use values::Timestamp;

use super::{apply_payment::apply_payment, refund_sale::is_withdrawn};

/// Confirms an order that still holds its tickets; its payment may then be captured.
///
/// An order whose listing was withdrawn meanwhile is cancelled instead: its withdrawal has not reached it yet.
pub(crate) fn confirm_order(tx: &Tx, now: Timestamp, payment: &Payment) -> Result<(), ConsumeError> {
    apply_payment(tx, now, payment, |order| {
        if is_withdrawn(tx, order)? {
            return Ok(order.cancel_withdrawn(now));
        }
        order
            .confirm(payment.id, payment.amount, now)
            .map_err(ConsumeError::new)
    })
}
