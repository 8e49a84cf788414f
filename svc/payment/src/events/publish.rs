//! Publishes the states of payments, refunds and disputes: appends them to the outbox.

use bus::outbox;
use db::Tx;
use events::{Event, RefundOutcome, Reversal};
use values::{Money, PaymentId, Timestamp};

use crate::{
    domain::{Payment, Refund, RefundStatus, published_dispute},
    store,
};

/// The name under which the service publishes.
const SOURCE: &str = "payment";

/// Appends an event to the outbox.
pub(crate) fn append_to_outbox(tx: &Tx, now: Timestamp, event: Event) -> Result<(), db::Error> {
    outbox::append(tx, SOURCE, now, event)
}

/// Publishes the state of a payment, if it is a published one.
pub(crate) fn publish_payment(tx: &Tx, now: Timestamp, payment: &Payment) -> Result<(), db::Error> {
    payment.event().map_or(Ok(()), |event| append_to_outbox(tx, now, event))
}

/// Publishes the state of a refund, as a new version of its payment.
pub(crate) fn publish_refund(tx: &Tx, now: Timestamp, refund: &Refund) -> Result<(), db::Error> {
    match new_reversal(tx, now, refund.payment_id())? {
        Some(reversal) => append_refund(tx, now, refund, reversal),
        None => Ok(()),
    }
}

/// Publishes all refunds and disputes of a payment again, in its current version.
pub(crate) fn republish_refunds(tx: &Tx, now: Timestamp, payment: &Payment) -> Result<(), db::Error> {
    let reversal = reversal(tx, payment)?;
    for refund in store::refunds_of(tx, payment.id())? {
        append_refund(tx, now, &refund, reversal.clone())?;
    }
    if reversal.dispute.is_some() {
        append_to_outbox(tx, now, Event::PaymentDisputed(reversal))?;
    }
    Ok(())
}

fn append_refund(tx: &Tx, now: Timestamp, refund: &Refund, reversal: Reversal) -> Result<(), db::Error> {
    let outcome = RefundOutcome {
        id: refund.id(),
        amount: refund.amount(),
        failure: refund.state().failure.clone(),
    };
    let reversal = Reversal {
        refund: (!refund.state().made_at_stripe).then_some(outcome),
        ..reversal
    };
    let event = match refund.status() {
        RefundStatus::Succeeded => Event::PaymentRefunded(reversal),
        // No order waits for the result of a refund made at Stripe: its failure shows in the total.
        RefundStatus::Failed if refund.state().made_at_stripe => Event::PaymentRefunded(reversal),
        RefundStatus::Failed => Event::PaymentRefundFailed(reversal),
        RefundStatus::Requested | RefundStatus::Pending => return Ok(()),
    };
    append_to_outbox(tx, now, event)
}

/// Counts a new version of a payment and returns it, with everything that went back.
pub(crate) fn new_reversal(tx: &Tx, now: Timestamp, id: PaymentId) -> Result<Option<Reversal>, db::Error> {
    store::increment_version(tx, id, now)?;
    match store::payment(tx, id)? {
        Some(payment) => Ok(Some(reversal(tx, &payment)?)),
        None => Ok(None),
    }
}

/// Returns a payment with everything that went back.
fn reversal(tx: &Tx, payment: &Payment) -> Result<Reversal, db::Error> {
    let refunded = store::refunds_of(tx, payment.id())?
        .iter()
        .filter(|refund| refund.status() == RefundStatus::Succeeded)
        .map(|refund| refund.amount().amount)
        .sum::<i64>();
    let disputes = store::disputes_of(tx, payment.id())?;
    let amount = payment.amount();
    Ok(Reversal {
        payment: events::Payment {
            id: payment.id(),
            version: payment.state().version,
            status: if refunded == amount.amount {
                events::PaymentStatus::Refunded
            } else {
                events::PaymentStatus::Captured
            },
            order_id: payment.order_id(),
            buyer_id: payment.buyer_id(),
            amount,
        },
        refunded_total: Money {
            amount: refunded,
            ..amount
        },
        refund: None,
        dispute: published_dispute(&disputes, amount.currency),
    })
}
