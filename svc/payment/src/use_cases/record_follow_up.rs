//! Goes on with what Stripe says has become of money that was taken.

use bus::outbox;
use db::Tx;
use events::Event;
use values::{PaymentId, Timestamp};

use super::{book::book, follow_refunds::follow_all};
use crate::{
    domain::{Aftermath, Dispute, State, Why, that_counts},
    events::{SOURCE, reversal},
    store,
};

/// Goes on with all that Stripe says has become of the money of a payment, asked at `asked_at`.
pub(crate) fn record_aftermath(
    tx: &Tx,
    now: Timestamp,
    payment: PaymentId,
    asked_at: Timestamp,
    found: &Aftermath,
) -> Result<(), db::Error> {
    let Some(mut taking) = store::taking(tx, payment)? else {
        return Ok(());
    };
    if taking.stripe_fee.is_none() && found.stripe_fee.is_some() {
        taking.stripe_fee.clone_from(&found.stripe_fee);
        store::update_taking(tx, &taking)?;
        book(tx, now, payment, &Why::StripeFee)?;
    }
    follow_all(tx, now, &taking, &found.refunds)?;
    for dispute in &found.disputes {
        hear_of_dispute(tx, now, payment, dispute)?;
    }
    let pending = store::refunds_of(tx, payment)?
        .iter()
        .any(|refund| refund.state == State::Pending);
    taking.looked_at(asked_at, pending, now);
    store::update_taking(tx, &taking)
}

/// Stripe did not say what has become of the money of a payment: it is asked again.
pub(crate) fn unanswered(tx: &Tx, now: Timestamp, payment: PaymentId) -> Result<(), db::Error> {
    let Some(mut taking) = store::taking(tx, payment)? else {
        return Ok(());
    };
    taking.postpone(now);
    store::update_taking(tx, &taking)
}

/// Keeps how a dispute is; tells the others where that matters to them.
fn hear_of_dispute(tx: &Tx, now: Timestamp, payment: PaymentId, dispute: &Dispute) -> Result<(), db::Error> {
    let before = store::disputes_of(tx, payment)?;
    if before.contains(dispute) {
        return Ok(());
    }
    store::keep_dispute(tx, payment, dispute, now)?;
    book(tx, now, payment, &Why::Dispute(dispute.id.clone()))?;
    let after = store::disputes_of(tx, payment)?;
    let counts = |disputes: &[Dispute]| that_counts(disputes).and_then(Dispute::told);
    if counts(&before) == counts(&after) {
        return Ok(());
    }
    if let Some(mut reversal) = reversal(tx, now, payment)? {
        reversal.refund = None;
        outbox::append(tx, SOURCE, now, Event::PaymentDisputed(reversal))?;
    }
    Ok(())
}
