//! Applies a reversal of a payment to its order and refund.

use bus::ConsumeError;
use db::Tx;
use events::Reversal;
use values::Timestamp;

use super::{
    refund_sale::{is_withdrawn, refund_sale},
    save,
};
use crate::{domain::Change, store};

/// Takes what went back of a payment: tickets by a refund, money by hand, or what a bank decided.
pub(crate) fn apply_reversal(tx: &Tx, now: Timestamp, reversal: &Reversal) -> Result<(), ConsumeError> {
    let payment = &reversal.payment;
    let order = store::order(tx, payment.order_id)?;
    let mut order = order.ok_or_else(|| ConsumeError::new(format_args!("there is no order {}", payment.order_id)))?;
    if order.payment_id != Some(payment.id) {
        // Given back because the order could not take it: that is how it should be.
        tracing::warn!(order = %order.id, payment = %payment.id, "money went back that the order was not paid with");
        return Ok(());
    }
    if let Some(answer) = &reversal.refund {
        let refund = store::refund(tx, answer.id)?.filter(|refund| refund.order_id == order.id);
        let Some(mut refund) = refund else {
            return Err(ConsumeError::new(format_args!(
                "the order {} has no refund {}",
                order.id, answer.id
            )));
        };
        let resell = store::listing(tx, order.ticket_id)?.is_some_and(|listing| listing.resell_refunded);
        let left = order.quantity.saturating_sub(order.claimed);
        if refund.answered(answer, payment.version, left, resell, now) == Change::Made {
            if let Some(failure) = &refund.failure {
                tracing::warn!(refund = %refund.id, %failure, "a refund could not be paid");
            }
            save::refund_changed(tx, &refund, now)?;
        }
    }
    let was_disputed = order.is_disputed();
    let (before, given_back) = (order.after, store::given_back(tx, order.id)?);
    let refunded = reversal.refunded_total.amount;
    if order.give_back(given_back, payment.version, refunded, reversal.dispute, now) != Change::Made {
        return Ok(());
    }
    save::gave_back(tx, &before, &order, now)?;
    if was_disputed && !order.is_disputed() && is_withdrawn(tx, &order)? {
        refund_sale(tx, &order, now)?;
    }
    Ok(())
}
