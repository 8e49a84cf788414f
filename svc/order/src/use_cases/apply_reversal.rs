//! Applies a reversal of a payment to its order and refund.

use bus::ConsumeError;
use db::Tx;
use events::{RefundOutcome, Reversal};
use values::Timestamp;

use super::{
    refund_sale::{is_withdrawn, refund_sale},
    save::{save_refund, save_reversal},
};
use crate::{
    domain::{Change, Order, ReversedPayment},
    store,
};

/// Applies the outcome of a refund, a refund made by hand in Stripe, or a dispute.
///
/// A reversal of a payment that the order was not paid with is ignored: the payment was refunded because it could not be
/// applied.
pub(crate) fn apply_reversal(tx: &Tx, now: Timestamp, reversal: &Reversal) -> Result<(), ConsumeError> {
    let payment = &reversal.payment;
    let order = store::find_order(tx, payment.order_id)?;
    let mut order = order.ok_or_else(|| ConsumeError::new(format_args!("there is no order {}", payment.order_id)))?;
    if !order.is_confirmed_with(payment.id) {
        let (order, payment) = (order.id(), payment.id);
        tracing::warn!(%order, %payment, "reversal of a payment that the order was not paid with");
        return Ok(());
    }
    if let Some(outcome) = &reversal.refund {
        apply_refund_outcome(tx, now, &order, outcome, payment.version)?;
    }
    let (before, was_disputed) = (order.state().after_sale, order.is_disputed());
    let tickets = store::refunded_tickets(tx, order.id())?;
    let money = ReversedPayment {
        version: payment.version,
        refunded_amount: reversal.refunded_total.amount,
        dispute: reversal.dispute,
    };
    if order.apply_reversal(tickets, money, now) != Change::NewVersion {
        return Ok(());
    }
    save_reversal(tx, &before, &order, now)?;
    if was_disputed && !order.is_disputed() && is_withdrawn(tx, &order)? {
        // The outcome of the refund may have changed how many tickets are claimed.
        let order = store::find_order(tx, order.id())?.unwrap_or(order);
        refund_sale(tx, &order, now)?;
    }
    Ok(())
}

fn apply_refund_outcome(
    tx: &Tx,
    now: Timestamp,
    order: &Order,
    outcome: &RefundOutcome,
    payment_version: u64,
) -> Result<(), ConsumeError> {
    let refund = store::find_refund(tx, outcome.id)?.filter(|refund| refund.state().order_id == order.id());
    let Some(mut refund) = refund else {
        return Err(ConsumeError::new(format_args!(
            "the order {} has no refund {}",
            order.id(),
            outcome.id
        )));
    };
    let listing = store::find_listing(tx, order.ticket_id())?;
    let resell = listing.is_some_and(|listing| listing.resell_refunded);
    let change = refund.apply_outcome(outcome, payment_version, order.unclaimed_quantity(), resell, now);
    if change == Change::NewVersion {
        if let Some(failure) = &refund.state().failure {
            tracing::warn!(refund = %refund.id(), %failure, "refund failed");
        }
        save_refund(tx, &refund, now)?;
    }
    Ok(())
}
