//! Stores the result of a request for a refund.

use db::Tx;
use values::{RefundId, Timestamp};

use super::apply_stripe_refunds::{apply_stripe_refunds, save_refund};
use crate::{
    domain::{RefundResult, StripeRefund},
    store,
};

/// Applies the result of a request for a refund, and before it `list`, the refunds that Stripe has of the payment: a
/// failed one makes room for this one.
pub(crate) fn record_refund_result(
    tx: &Tx,
    now: Timestamp,
    id: RefundId,
    list: &[StripeRefund],
    result: &RefundResult,
) -> Result<(), db::Error> {
    if let Some(refund) = store::refund(tx, id)?
        && let Some(funds) = store::captured_funds(tx, refund.payment_id())?
    {
        apply_stripe_refunds(tx, now, &funds, list)?;
    }
    let Some(mut refund) = store::refund(tx, id)? else {
        return Ok(());
    };
    let changed = refund.apply_result(result, now);
    save_refund(tx, now, &refund, changed)
}
