//! Applies the state of a payment to its order.

use bus::ConsumeError;
use db::Tx;
use events::{OrderStatus, Payment};
use values::Timestamp;

use super::{
    refund_sale::{is_withdrawn, refund_sale},
    save,
};
use crate::{
    domain::{CannotPay, Change, Order},
    store,
};

pub(crate) fn apply_payment(
    tx: &Tx,
    now: Timestamp,
    payment: &Payment,
    take: impl FnOnce(&mut Order) -> Result<Change, CannotPay>,
) -> Result<(), ConsumeError> {
    let order = store::order(tx, payment.order_id)?;
    // Only a database that lost it can not know an order that is paid for.
    let mut order = order.ok_or_else(|| ConsumeError::new(format_args!("there is no order {}", payment.order_id)))?;
    match take(&mut order).map_err(ConsumeError::new)? {
        Change::Made => save::changed(tx, &order, now)?,
        Change::Noted => store::update(tx, &order)?,
        Change::None => return Ok(()),
    }
    if order.status == OrderStatus::Complete && is_withdrawn(tx, &order)? {
        refund_sale(tx, &order, now)?;
    }
    Ok(())
}
