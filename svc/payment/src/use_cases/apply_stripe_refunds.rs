//! Applies the list of refunds that Stripe has of a payment.

use db::Tx;
use values::{Money, Timestamp};

use super::{audit_entries::record_refund, update_ledger::update_ledger};
use crate::{
    domain::{CapturedFunds, EntryReason, Refund, RefundStatus, StripeRefund, StripeRefundStatus},
    events::publish_refund,
    store,
};

/// Applies all refunds that Stripe has of a payment. Failed ones come first: they make room for those that replaced them.
pub(super) fn apply_stripe_refunds(
    tx: &Tx,
    now: Timestamp,
    funds: &CapturedFunds,
    list: &[StripeRefund],
) -> Result<(), db::Error> {
    let is_failed = |refund: &&StripeRefund| refund.status == StripeRefundStatus::Failed;
    let mut failed_first = list
        .iter()
        .filter(is_failed)
        .chain(list.iter().filter(|refund| !is_failed(refund)));
    failed_first.try_for_each(|refund| apply_stripe_refund(tx, now, funds, refund))
}

/// Applies one refund of Stripe, and stores it if no order has requested it.
fn apply_stripe_refund(
    tx: &Tx,
    now: Timestamp,
    funds: &CapturedFunds,
    stripe_refund: &StripeRefund,
) -> Result<(), db::Error> {
    if let Some(mut refund) = store::refund_at_stripe(tx, &stripe_refund.id, stripe_refund.refund_id)? {
        let changed = refund.apply_stripe_refund(stripe_refund, now);
        return save_refund(tx, now, &refund, changed);
    }
    let amount = Money {
        amount: stripe_refund.amount,
        ..funds.amount()
    };
    let mut refund = Refund::found_at_stripe(funds.payment_id(), amount, stripe_refund, now);
    refund.apply_stripe_refund(stripe_refund, now);
    tracing::warn!(payment = %funds.payment_id(), refund = stripe_refund.id, %amount, "unknown refund found at Stripe");
    store::insert_refund(tx, &refund)?;
    publish_change(tx, now, &refund)
}

/// Updates a refund, and publishes it if its state has changed.
pub(super) fn save_refund(tx: &Tx, now: Timestamp, refund: &Refund, changed: bool) -> Result<(), db::Error> {
    store::update_refund(tx, refund)?;
    if refund.status() == RefundStatus::Pending {
        // Checks cover an event that is lost.
        store::request_check(tx, refund.payment_id(), now)?;
    }
    if changed {
        publish_change(tx, now, refund)
    } else {
        Ok(())
    }
}

/// Updates the ledger, and publishes a final state.
fn publish_change(tx: &Tx, now: Timestamp, refund: &Refund) -> Result<(), db::Error> {
    let id = refund.id().to_string();
    let reason = match refund.status() {
        RefundStatus::Failed => EntryReason::RefundFailed(id),
        RefundStatus::Requested | RefundStatus::Pending | RefundStatus::Succeeded => EntryReason::Refund(id),
    };
    update_ledger(tx, now, refund.payment_id(), &reason)?;
    record_refund(tx, now, "refund-result", refund)?;
    match refund.status() {
        RefundStatus::Requested | RefundStatus::Pending => Ok(()),
        RefundStatus::Succeeded | RefundStatus::Failed => publish_refund(tx, now, refund),
    }
}
