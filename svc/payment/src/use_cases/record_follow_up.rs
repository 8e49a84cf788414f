//! Stores what Stripe reports of captured funds: its fee, refunds and disputes.

use db::Tx;
use events::Event;
use values::{PaymentId, Timestamp};

use super::{apply_stripe_refunds::apply_stripe_refunds, update_ledger::update_ledger};
use crate::{
    domain::{CapturedFunds, Dispute, EntryReason, FollowUpReport, RefundStatus, published_dispute},
    events::{append_to_outbox, new_reversal},
    store,
};

/// Stores the report of a check that was made at `called_at`.
pub(crate) fn record_follow_up(
    tx: &Tx,
    now: Timestamp,
    payment: PaymentId,
    called_at: Timestamp,
    report: &FollowUpReport,
) -> Result<(), db::Error> {
    let Some(mut funds) = store::captured_funds(tx, payment)? else {
        return Ok(());
    };
    if funds.set_stripe_fee(report.stripe_fee.as_ref()) {
        store::update_captured_funds(tx, &funds)?;
        update_ledger(tx, now, payment, &EntryReason::StripeFee)?;
    }
    apply_stripe_refunds(tx, now, &funds, &report.refunds)?;
    for dispute in &report.disputes {
        record_dispute(tx, now, &funds, dispute)?;
    }
    let has_pending_refund = store::refunds_of(tx, payment)?
        .iter()
        .any(|refund| refund.status() == RefundStatus::Pending);
    funds.mark_checked(called_at, has_pending_refund, now);
    store::update_captured_funds(tx, &funds)
}

/// Postpones a check that Stripe did not answer.
pub(crate) fn postpone_follow_up(tx: &Tx, now: Timestamp, payment: PaymentId) -> Result<(), db::Error> {
    let Some(mut funds) = store::captured_funds(tx, payment)? else {
        return Ok(());
    };
    funds.postpone_check(now);
    store::update_captured_funds(tx, &funds)
}

/// Stores a dispute, and publishes it if the published state changes.
fn record_dispute(tx: &Tx, now: Timestamp, funds: &CapturedFunds, dispute: &Dispute) -> Result<(), db::Error> {
    let (payment, currency) = (funds.payment_id(), funds.amount().currency);
    let before = store::disputes_of(tx, payment)?;
    if before.contains(dispute) {
        return Ok(());
    }
    store::upsert_dispute(tx, payment, dispute, now)?;
    update_ledger(tx, now, payment, &EntryReason::Dispute(dispute.id.clone()))?;
    let after = store::disputes_of(tx, payment)?;
    if published_dispute(&before, currency) == published_dispute(&after, currency) {
        return Ok(());
    }
    match new_reversal(tx, now, payment)? {
        Some(reversal) => append_to_outbox(tx, now, Event::PaymentDisputed(reversal)),
        None => Ok(()),
    }
}
