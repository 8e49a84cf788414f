//! Applies an event of a payment to its order.

use bus::ConsumeError;
use db::Tx;
use events::{OrderStatus, Payment};
use values::Timestamp;

use super::{
    refund_sale::{is_withdrawn, refund_sale},
    save::save_order,
};
use crate::{
    domain::{Change, Order},
    store,
};

/// Applies a transition to the order of a payment. Refunds the order if it is paid after its listing was withdrawn.
///
/// Fails if the order is missing: the database has lost an order that a buyer has paid or is paying.
pub(crate) fn apply_payment(
    tx: &Tx,
    now: Timestamp,
    payment: &Payment,
    transition: impl FnOnce(&mut Order) -> Result<Change, ConsumeError>,
) -> Result<(), ConsumeError> {
    let order = store::find_order(tx, payment.order_id)?;
    let mut order = order.ok_or_else(|| ConsumeError::new(format_args!("there is no order {}", payment.order_id)))?;
    match transition(&mut order)? {
        Change::NewVersion => save_order(tx, &order, now)?,
        Change::Internal => store::update_order(tx, &order)?,
        Change::None => return Ok(()),
    }
    if order.status() == OrderStatus::Complete && is_withdrawn(tx, &order)? {
        refund_sale(tx, &order, now)?;
    }
    Ok(())
}
